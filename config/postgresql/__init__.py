"""The database engine: Django's own for PostgreSQL, with one thing done faster."""
