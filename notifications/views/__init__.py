"""The REST API of `notifications`, by noun."""
