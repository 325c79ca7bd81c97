"""The frames of the live protocol: what clients send, checked; what they are sent, encoded."""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from events import catalogue, cursor
from events.cursor import Cursor


class Refused(Exception):
    """A frame cannot be served; says why in a code of the wire and a sentence."""

    def __init__(self, code: str, message: str, id: int | str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id


@dataclass(frozen=True, slots=True)
class Subscribe:
    """What a client asks to read."""

    id: int | str
    names: list[str]
    after: Cursor | None
    types: list[str]


def decode(text: str | None) -> dict[str, Any]:
    """Read a frame, or raise `Refused`."""
    if text is None:
        raise Refused("invalid", "Send text frames with JSON.")
    if len(text) > settings.TIDEWIRE_FRAME_MAX_BYTES:
        raise Refused("too_large", f"A frame has at most {settings.TIDEWIRE_FRAME_MAX_BYTES} characters.")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("invalid", "The frame is not JSON.") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise Refused("invalid", "A frame is an object with a type.")
    return frame


def id_of(frame: dict[str, Any]) -> int | str:
    """Return the client's name for a subscription: a whole number or a short string."""
    name = frame.get("id")
    if isinstance(name, int) and not isinstance(name, bool) and abs(name) < 2**53:
        return name
    if isinstance(name, str) and 0 < len(name) <= 64:
        return name
    raise Refused("invalid", "id must be a number or a string of 1 to 64 characters.")


def subscribe(frame: dict[str, Any]) -> Subscribe:
    """Read a subscribe frame, or raise `Refused` with its id."""
    name = id_of(frame)
    try:
        _only(frame, "type", "id", "topics", "after", "types")
        after = frame.get("after")
        return Subscribe(
            name,
            topics(_strings(frame, "topics")),
            None if after is None else cursor.parse(after),
            types(_strings(frame, "types") if frame.get("types") is not None else []),
        )
    except cursor.InvalidCursor as error:
        raise Refused("invalid", str(error), name) from None
    except Refused as error:
        raise Refused(error.code, error.message, name) from None


def topics(names: list[str]) -> list[str]:
    """Check a list of topics and aliases."""
    if not names:
        raise Refused("invalid", "Name at least one topic.")
    if len(names) > settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS:
        raise Refused("too_many", f"At most {settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS} topics in one subscription.")
    for name in names:
        if not catalogue.is_topic(name):
            raise Refused("invalid", f"{name[:100]!r} is not a topic.")
    return names


def types(patterns: list[str]) -> list[str]:
    """Check a list of type patterns."""
    if len(patterns) > 100:
        raise Refused("too_many", "At most 100 type patterns in one subscription.")
    for pattern in patterns:
        if not catalogue.is_pattern(pattern):
            raise Refused("invalid", f"{pattern[:100]!r} is not a type, a prefix ending in .*, or *.")
    return patterns


def _strings(frame: dict[str, Any], field: str) -> list[str]:
    value = frame.get(field)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refused("invalid", f"{field} must be a list of strings.")
    return value


def _only(frame: dict[str, Any], *known: str) -> None:
    if unknown := sorted(set(frame) - set(known)):
        raise Refused("invalid", f"Unknown field {unknown[0][:100]!r}.")


def frame(type: str, **fields: Any) -> str:
    """Encode a frame for the client."""
    return json.dumps({"type": type, **fields}, ensure_ascii=False, separators=(",", ":"))


def events_frame(id: int | str, events: list[str], cursor: Cursor) -> str:
    """Encode some events, each encoded already, as one frame."""
    return f'{{"type":"events","id":{json.dumps(id)},"events":[{",".join(events)}],"cursor":"{cursor}"}}'
