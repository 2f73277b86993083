"""Access to chain 964: nodes, heads, logs, and what node errors mean."""
