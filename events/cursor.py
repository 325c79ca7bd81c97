"""The one cursor: `<epoch>-<position>`, opaque to clients."""

import re
import secrets
from dataclasses import dataclass

_GRAMMAR = re.compile(r"([a-z0-9]{4,16})-([0-9]{1,19})")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_HIGHEST = 2**63 - 1


class InvalidCursor(ValueError):
    """The text is not a cursor of this server."""


@dataclass(frozen=True, order=True, slots=True)
class Cursor:
    """A place in the log: everything up to and including the position has been seen."""

    epoch: str
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.position}"


def parse(text: object) -> Cursor:
    """Read a cursor, or raise `InvalidCursor`."""
    match = _GRAMMAR.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[2]) > _HIGHEST:
        raise InvalidCursor("This is not a cursor; give one that this server has sent.")
    return Cursor(match[1], int(match[2]))


def new_epoch() -> str:
    """Mint an epoch: a name for one life of the log."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))
