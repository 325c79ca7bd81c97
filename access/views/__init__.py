"""The REST API of `access`, by noun."""
