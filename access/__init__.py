"""Who: users, their pages and keys; and what every caller is promised, such as idempotent requests."""
