"""kill -9 at random instants: a sending process dies over and over, and its work is audited."""
