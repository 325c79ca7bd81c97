"""What every transport can say, each in its own way."""

from typing import Any, Protocol

from events.cursor import Cursor
from events.live.batch import Message
from events.live.subscription import Form


class Dialect(Protocol):
    """How a transport says things."""

    # Whether the connection is its one subscription, and ends with it.
    is_single: bool

    def events(self, id: int | str) -> Form:
        """Return how events are put."""

    def subscribed(self, id: int | str, topics: list[str], cursor: Cursor, head: Cursor) -> Message:
        """Say where a subscription starts."""

    def reset(self, id: int | str, reason: str, cursor: Cursor) -> Message:
        """Say that what was before the cursor cannot be had."""

    def topics(self, id: int | str, added: list[str], removed: list[str], cursor: Cursor) -> Message:
        """Say that an alias means other topics from the cursor on."""

    def revoked(self, id: int | str, topics: list[str], cursor: Cursor) -> Message:
        """Say that topics may not be read from the cursor on."""

    def heartbeat(self, cursors: dict[int | str, Cursor]) -> Message:
        """Say that the connection lives, and how far each subscription is."""

    def reconnect(self, after_ms: int, cursors: dict[int | str, Cursor]) -> Message:
        """Ask the client to come back after so long."""

    def notice(self, topic: str, data: Any) -> Message:
        """Say something that is only for those who are here."""

    def error(self, id: int | str | None, code: str, message: str) -> Message:
        """Say why something was refused."""
