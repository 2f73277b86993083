"""What a caller wants done on chain, and how it gets there."""
