"""Two processes and one key: the leader is killed, stopped, cut off, and its work is audited."""
