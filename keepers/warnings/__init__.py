"""Margin tiers, and the alerts on falling through them."""
