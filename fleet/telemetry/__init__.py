"""What operators see: logs, metrics, errors, alerts."""
