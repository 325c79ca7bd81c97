"""A webhook as a block of lines for a terminal."""

import json
from datetime import UTC, datetime
from typing import Any

from webhooks.catcher import Answer, Caught

# A block stays readable, whatever somebody sends.
MAX_LINES, MAX_WIDTH = 60, 400


def block(request: Caught, answer: Answer, verdict: str) -> str:
    """Return what came, whether it is trusted, and how it was answered."""
    event = _event(request.body)
    moment = datetime.fromtimestamp(request.at, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
    attempt = request.header("tidewire-attempt") or "?"
    head = f"{moment}  {event.get('type', request.method)}  attempt {attempt}"
    lines = [f"{_printable(head)}  {verdict}"]
    for name, value in _names(request, event).items():
        lines.append(f"    {name:7} {_printable(value)}")
    lines += [f"    {line}" for line in _data_lines(event, request.body)]
    lines.append(f"    answered {answer.status}")
    return "\n".join(lines) + "\n"


def _names(request: Caught, event: dict[str, Any]) -> dict[str, Any]:
    known = {"path": request.path, "id": event.get("id"), "topic": event.get("topic"), "cursor": event.get("cursor")}
    return {name: value for name, value in known.items() if value not in (None, "", "/")}


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _data_lines(event: dict[str, Any], body: bytes) -> list[str]:
    is_event = "data" in event
    text = json.dumps(event["data"], indent=2, ensure_ascii=False) if is_event else body.decode(errors="replace")
    # The line breaks of a terminal alone: others are in strings.
    lines = [_printable(line) for line in text.split("\n") if line]
    more = [f"… and {len(lines) - MAX_LINES} lines more"] if len(lines) > MAX_LINES else []
    return lines[:MAX_LINES] + more


def _printable(value: object) -> str:
    """Return text that does nothing to a terminal."""
    text = "".join(sign if sign.isprintable() else "�" for sign in str(value))
    return text if len(text) <= MAX_WIDTH else text[:MAX_WIDTH] + "…"
