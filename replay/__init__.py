"""What this fleet would have done over a price tape, and what it would have cost."""
