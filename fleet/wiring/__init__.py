"""Who gets which implementation: the composition root. The only room that knows all others."""
