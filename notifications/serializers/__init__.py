"""What the notifications API takes and gives, by noun."""
