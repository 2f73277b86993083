"""The `keepers` command."""
