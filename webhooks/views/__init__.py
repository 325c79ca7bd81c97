"""The REST API of `webhooks`, by noun."""
