"""What keeps bots running: supervision, schedule, clock, health, lock-step."""
