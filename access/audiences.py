"""Named sets of users, read in pages: one app knows who is meant, another that must not import it asks."""

import re
from collections.abc import Callable
from dataclasses import dataclass

# `page(id, after, limit)` returns the ids of the members above `after`, in order, at most `limit`.
Page = Callable[[int, int, int], list[int]]

LIMIT = 1000


class UnknownAudience(LookupError):
    """No app has declared an audience of this name."""


@dataclass(frozen=True)
class Audience:
    """A family of sets of users, written like `feeds.followers.{id}`."""

    pattern: str
    summary: str
    page: Page

    def id_of(self, name: str) -> int | None:
        """Return the id inside the name, or None when the name is of another family."""
        regex = re.escape(self.pattern).replace(r"\{id\}", r"([0-9]{1,18})")
        match = re.fullmatch(regex, name, re.ASCII)
        return int(match[1]) if match else None


_audiences: dict[str, Audience] = {}


def audience(pattern: str, summary: str, page: Page) -> Audience:
    """Declare a family of sets of users and return it; declaring one twice is an error."""
    if pattern in _audiences:
        raise ValueError(f"{pattern!r} is declared twice.")
    _audiences[pattern] = Audience(pattern, summary, page)
    return _audiences[pattern]


def members(name: str, after: int = 0, limit: int = LIMIT) -> list[int]:
    """Return a page of the ids of the users meant, in order, above `after`; raises `UnknownAudience`."""
    for each in _audiences.values():
        if (id := each.id_of(name)) is not None:
            return each.page(id, after, min(limit, LIMIT))
    raise UnknownAudience(f"{name!r} is not an audience.")
