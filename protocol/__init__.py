"""The only code that knows the exchange: its ABI, its events, its calls."""
