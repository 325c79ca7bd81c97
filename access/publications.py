"""What clients publish: one event as it comes over any wire, read and checked; and why it is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from events import catalogue
from events.actions import Fact
from events.catalogue import EventType, InvalidPayload, UnknownEventType
from events.payloads import compact

KNOWN = ("specversion", "id", "source", "type", "topic", "subject", "time", "datacontenttype", "dataschema", "data")
# What the caller says of the event itself; the server has its own id, source and time, by which it stays known.
ORIGIN = {"id": "originid", "source": "originsource", "time": "origintime"}
MAX_LENGTHS = {"id": 200, "source": 500, "subject": 200, "time": 40, "datacontenttype": 100, "dataschema": 500}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class Refused(Exception):
    """An event is not published; says why in a code of the wire and a sentence, which names the field at fault."""

    def __init__(self, code: str, detail: str, *, field: str = "", wait: float | None = None) -> None:
        self.code = code
        self.message = f"{field}: {detail}" if field else detail
        super().__init__(self.message)
        self.field = field
        self.detail = detail
        # After how many seconds to come again.
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Publication:
    """An event that may be recorded once its publisher has the right to its topic."""

    type: EventType
    topic: str
    subject: str
    data: Any
    # What the caller said of it, as it goes along with the event; None where nothing was said.
    origin: dict[str, str] | None

    @property
    def fact(self) -> Fact:
        """Return what is to be recorded."""
        return Fact(self.type, self.topic, self.subject, self.data, self.origin)

    def published(self, event_id: str) -> dict[str, Any]:
        """Return what its publisher is told of it."""
        return {"id": event_id, "type": self.type.name, "topic": self.topic, **(self.origin or {})}


def read(event: Any) -> Publication:
    """Read an event: `{"type", "topic", "data"}`, or a CloudEvent in JSON; raises `Refused`."""
    if not isinstance(event, Mapping):
        raise Refused("invalid", "An event is an object.")
    if unknown := sorted(str(name) for name in event if name not in KNOWN):
        raise Refused("invalid", "Unknown attribute.", field=unknown[0][:100])
    said = {name: _text(event, name) for name in MAX_LENGTHS if event.get(name) is not None}
    _check_form(event, said)
    event_type = _event_type(event.get("type"))
    _check_schema_named(said.get("dataschema"), event_type)
    origin = {ORIGIN[name]: said[name] for name in ORIGIN if name in said}
    topic = _topic(event.get("topic"))
    return Publication(event_type, topic, said.get("subject", ""), _data(event, event_type), origin or None)


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event[name]
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTHS[name] or not value.isprintable():
        message = f"Give a text of 1 to {MAX_LENGTHS[name]} printable characters."
        raise Refused("invalid", message, field=name)
    return value


def _check_form(event: Mapping[str, Any], said: dict[str, str]) -> None:
    if event.get("specversion", "1.0") != "1.0":
        raise Refused("invalid", "Only version 1.0 of CloudEvents is spoken here.", field="specversion")
    for name in ("id", "source") if "specversion" in event else ():
        if name not in said:
            raise Refused("invalid", "A CloudEvent has this attribute.", field=name)
    if " " in said.get("source", ""):
        raise Refused("invalid", "Give a URI reference.", field="source")
    if "time" in said and not _is_moment(said["time"]):
        raise Refused("invalid", "Give a moment as RFC 3339 writes it.", field="time")
    media_type = said.get("datacontenttype", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Refused("invalid", "The data of an event is JSON.", field="datacontenttype")


def _is_moment(text: str) -> bool:
    try:
        return MOMENT.fullmatch(text) is not None and datetime.fromisoformat(text[:19]) is not None
    except ValueError:
        return False


def _event_type(name: Any) -> EventType:
    if not isinstance(name, str) or len(name) > 200:
        raise Refused("invalid", "Name a declared event type.", field="type")
    try:
        found = catalogue.find_event_type(name)
    except UnknownEventType:
        raise Refused("invalid", "This is not a declared event type.", field="type") from None
    if not found.from_clients:
        raise Refused("forbidden", f"Only the server itself says {name}.", field="type")
    return found


def _check_schema_named(named: str | None, event_type: EventType) -> None:
    ours = f"{settings.TIDEWIRE_SOURCE}schemas/{event_type.name}/{event_type.version}"
    if named is not None and named != ours:
        raise Refused("invalid", f"The schema of this type is {ours}.", field="dataschema")


def _topic(name: Any) -> str:
    if not isinstance(name, str) or not catalogue.is_topic(name):
        raise Refused("invalid", "Name a topic: dotted ASCII under 90 characters.", field="topic")
    if catalogue.is_reserved(name):
        raise Refused("forbidden", "Only the server itself speaks on such a topic.", field="topic")
    return name


def _data(event: Mapping[str, Any], event_type: EventType) -> Any:
    if "data" not in event:
        raise Refused("invalid", "An event has data.", field="data")
    try:
        size = len(compact(event["data"]))
        if size > settings.TIDEWIRE_EVENT_MAX_BYTES:
            limit = settings.TIDEWIRE_EVENT_MAX_BYTES
            raise Refused("too_large", f"The data has {size} bytes; {limit} are the limit.", field="data")
        event_type.validate(event["data"])
    except (InvalidPayload, ValueError) as error:
        raise Refused("invalid", str(error), field="data") from None
    return event["data"]
