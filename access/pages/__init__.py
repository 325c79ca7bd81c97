"""The pages on which people come in, and on which developers find what their programs come in by."""
