"""The position book, exact margin arithmetic, and who is liquidated."""
