"""When funding is due, and its accrual."""
