"""What every bot needs to live."""
