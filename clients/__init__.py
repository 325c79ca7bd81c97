"""A small asynchronous client of the live side, which tests and benchmarks share."""
