"""What is watched and who is woken: service levels, rules, dashboards; and what compiles them."""
