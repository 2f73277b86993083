"""The history of the tables, for every database: one module a version, oldest first."""
