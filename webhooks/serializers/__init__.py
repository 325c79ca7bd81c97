"""What the webhooks API takes and gives, by noun."""
