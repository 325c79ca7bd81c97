"""The pages on which people read what they are told, and say how they want to be told."""
