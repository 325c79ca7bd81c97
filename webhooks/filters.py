"""Content filters: what an event's data must hold for an endpoint to want it. Pure, and never raises on any data."""

import json
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

CONDITIONS_MAX = 10
PATH_MAX_LENGTH = 200
VALUE_MAX_LENGTH = 500
CHOICES_MAX = 100

# What a path leads to when it leads nowhere; differs from every value, null too.
_ABSENT = object()
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
OPERATORS = ("eq", "ne", "in", "nin", *_ORDERS, "exists", "prefix")


def matches(content_filter: Any, data: Any) -> bool:
    """Say whether every condition holds for the data; an empty filter holds for all."""
    if not isinstance(content_filter, Mapping):
        return False
    return all(_holds(found, data, path) for path, found in content_filter.items())


def _holds(condition: Any, data: Any, path: Any) -> bool:
    value = _find(data, path)
    if not isinstance(condition, Mapping):
        return _equal(value, condition)
    return all(_test(name, value, wanted) for name, wanted in condition.items())


def _find(data: Any, path: Any) -> Any:
    """Follow a dotted path through objects; into a list it goes by a number."""
    if not isinstance(path, str):
        return _ABSENT
    for step in path.split("."):
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(data):
            data = data[int(step)]
        else:
            return _ABSENT
    return data


def _test(name: Any, value: Any, wanted: Any) -> bool:
    match name:
        case "eq":
            return _equal(value, wanted)
        case "ne":
            return not _equal(value, wanted)
        case "in" | "nin":
            return isinstance(wanted, list) and any(_equal(value, each) for each in wanted) == (name == "in")
        case "exists":
            return (value is not _ABSENT) == wanted
        case "prefix":
            return isinstance(value, str) and isinstance(wanted, str) and value.startswith(wanted)
        case "gt" | "gte" | "lt" | "lte":
            return _comparable(value, wanted) and _ORDERS[name](value, wanted)
    return False


def _kind(value: Any) -> type | None:
    """Return what JSON calls the value; true is no number there, and an object or a list is no plain value."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else None


def _equal(value: Any, wanted: Any) -> bool:
    if wanted is None:
        return value is None
    return _kind(wanted) is not None and _kind(value) == _kind(wanted) and value == wanted


def _comparable(value: Any, wanted: Any) -> bool:
    return _kind(value) == _kind(wanted) and _kind(value) in (float, str)


def check(content_filter: Any) -> None:
    """Raise `ValueError` with a sentence unless this is a filter that can be kept and asked."""
    if not isinstance(content_filter, dict):
        raise ValueError("A filter is an object: paths into the event's data, each with a value or with operators.")
    tests = [test for path, condition in content_filter.items() for test in _tests(path, condition)]
    if len(tests) > CONDITIONS_MAX:
        raise ValueError(f"A filter has at most {CONDITIONS_MAX} conditions; this one has {len(tests)}.")
    for path, name, wanted in tests:
        _check_operand(path, name, wanted)


def _tests(path: Any, condition: Any) -> list[tuple[str, str, Any]]:
    if not isinstance(path, str) or not all(path.split(".")) or not _can_be_kept(path):
        raise ValueError(f"{_shown(path)} is not a path: write the names of fields with dots between them.")
    if len(path) > PATH_MAX_LENGTH:
        raise ValueError(f"{_shown(path)} is too long a path: it may have {PATH_MAX_LENGTH} characters.")
    if not isinstance(condition, dict):
        return [(path, "eq", condition)]
    if not condition:
        raise ValueError(f"{_shown(path)} has no operator; use {', '.join(OPERATORS)}.")
    return [(path, name, wanted) for name, wanted in condition.items()]


def _check_operand(path: str, name: Any, wanted: Any) -> None:
    place = f"{_shown(path)}, {_shown(name)}"
    if name not in OPERATORS:
        raise ValueError(f"{place} is no operator; use {', '.join(OPERATORS)}.")
    if name == "exists":
        if not isinstance(wanted, bool):
            raise ValueError(f"{place}: give true or false.")
    elif name in ("in", "nin"):
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= CHOICES_MAX:
            raise ValueError(f"{place}: give a list of 1 to {CHOICES_MAX} values.")
        for each in wanted:
            _check_value(place, each)
    elif name == "prefix" and not isinstance(wanted, str):
        raise ValueError(f"{place}: give a text.")
    elif name in _ORDERS and _kind(wanted) not in (float, str):
        raise ValueError(f"{place}: give a number or a text.")
    else:
        _check_value(place, wanted)


def _check_value(place: str, value: Any) -> None:
    if value is not None and _kind(value) is None:
        raise ValueError(f"{place}: a value is a text, a number, true, false or null.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place}: this is not a number.")
    if isinstance(value, str) and not _can_be_kept(value):
        raise ValueError(f"{place}: the text has characters that cannot be kept.")
    # Very long numbers are not even written: that takes Python long, or is refused by it.
    if (value.bit_length() if isinstance(value, int) else len(str(value))) > VALUE_MAX_LENGTH:
        raise ValueError(f"{place}: a value has at most {VALUE_MAX_LENGTH} characters.")


def _can_be_kept(text: str) -> bool:
    """Say whether PostgreSQL can keep the text: it has no NUL and no half of a pair of surrogates."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else type(value).__name__
    return json.dumps(text[:60] + "…" if len(text) > 60 else text)
