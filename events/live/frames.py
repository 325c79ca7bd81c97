"""The frames of the live protocol: what clients send, checked; what they are sent, encoded."""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from events import catalogue, cursor
from events.cursor import Cursor
from events.live.batch import Message
from events.live.subscription import Form


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


@dataclass(frozen=True, slots=True)
class Publish:
    """What a client wants to be told to others."""

    id: int | str
    event: dict[str, Any]
    idempotency_key: str | None


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
    if isinstance(name, str) and 0 < len(name) <= 64 and _is_whole(name):
        return name
    raise Refused("invalid", "id must be a number or a string of 1 to 64 characters.")


def _is_whole(text: str) -> bool:
    # JSON can escape half of a character, which nothing can then be sent with.
    return not any("\ud800" <= character <= "\udfff" for character in text)


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


def publish(frame: dict[str, Any]) -> Publish:
    """Read a publish frame, or raise `Refused` with its id."""
    name = id_of(frame)
    try:
        _only(frame, "type", "id", "event", "idempotency_key")
    except Refused as error:
        raise Refused(error.code, error.message, name) from None
    event, key = frame.get("event"), frame.get("idempotency_key")
    if not isinstance(event, dict):
        raise Refused("invalid", "event must be an object.", name)
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= 255 and key.isprintable()):
        raise Refused("invalid", "idempotency_key must be 1 to 255 printable characters.", name)
    return Publish(name, event, key)


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


def frame(type: str, **fields: Any) -> Message:
    """Encode a frame for the client."""
    return _message(json.dumps({"type": type, **fields}, ensure_ascii=False, separators=(",", ":")))


def events_form(id: int | str) -> Form:
    """Return how events are put into frames for subscriptions of this id."""
    name = json.dumps(id)
    return Form(name, lambda batch: _message(_EVENTS % (name, batch.joined(","), batch.cursor)))


_EVENTS = '{"type":"events","id":%s,"events":[%s],"cursor":"%s"}'


def _message(text: str) -> Message:
    return {"type": "websocket.send", "text": text}


class Frames:
    """What a connection says, as frames."""

    is_single = False

    def events(self, id: int | str) -> Form:
        """Return how events are put."""
        return events_form(id)

    def subscribed(self, id: int | str, topics: list[str], cursor: Cursor, head: Cursor) -> Message:
        """Say where a subscription starts."""
        return frame("subscribed", id=id, topics=topics, cursor=str(cursor), head=str(head))

    def reset(self, id: int | str, reason: str, cursor: Cursor) -> Message:
        """Say that what was before the cursor cannot be had."""
        return frame("reset", id=id, reason=reason, cursor=str(cursor))

    def topics(self, id: int | str, added: list[str], removed: list[str], cursor: Cursor) -> Message:
        """Say that an alias means other topics from the cursor on."""
        return frame("topics", id=id, added=added, removed=removed, cursor=str(cursor))

    def revoked(self, id: int | str, topics: list[str], cursor: Cursor) -> Message:
        """Say that topics may not be read from the cursor on."""
        return frame("revoked", id=id, topics=topics, cursor=str(cursor))

    def heartbeat(self, cursors: dict[int | str, Cursor]) -> Message:
        """Say that the connection lives, and how far each subscription is."""
        return frame("heartbeat", cursors={str(id): str(cursor) for id, cursor in cursors.items()})

    def reconnect(self, after_ms: int, cursors: dict[int | str, Cursor]) -> Message:
        """Ask the client to come back after so long."""
        return frame("reconnect", after_ms=after_ms)

    def notice(self, topic: str, data: Any) -> Message:
        """Say something that is only for those who are here."""
        return frame("notice", topic=topic, data=data)

    def error(self, id: int | str | None, code: str, message: str) -> Message:
        """Say why something was refused."""
        return frame("error", id=id, code=code, message=message)
