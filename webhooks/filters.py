"""What an event's data must hold for an endpoint to want it."""

from typing import Any


def check(content_filter: Any) -> None:
    """Raise `ValueError`, with a sentence that says why, for what is not a filter."""
    if not isinstance(content_filter, dict):
        raise ValueError("A filter is an object of conditions.")
    if len(content_filter) > 10:
        raise ValueError("A filter has at most 10 conditions.")
