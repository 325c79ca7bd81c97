"""The event as it goes over every wire: a CloudEvent in JSON, encoded once."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

# Made once: `json.dumps` makes another for each object that it writes.
_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Envelope(NamedTuple):
    """What a reader of the live side needs of an event: where it stands, what it is, and its encoded form."""

    position: int
    topic: str
    type: str
    encoded: str


def timestamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def cloud_event(
    *,
    source: str,
    epoch: str,
    position: int,
    previous: int,
    event_id: UUID,
    type: str,
    topic: str,
    subject: str,
    time: datetime,
    data: Any,
    version: int = 1,
    extensions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the event as an object, the same on every transport."""
    event = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": source,
        "type": type,
        "subject": subject,
        "time": timestamp(time),
        "datacontenttype": "application/json",
        "dataschema": f"{source}schemas/{type}/{version}",
        "data": data,
        "topic": topic,
        "cursor": f"{epoch}-{position}",
        "previous": f"{epoch}-{previous}",
    }
    if not subject:
        del event["subject"]  # a CloudEvent has one that says something, or none
    return {**event, **extensions} if extensions else event


def encode(event: Mapping[str, Any]) -> str:
    """Write the event as compact JSON."""
    return _write(event)
