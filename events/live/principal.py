"""Who reads: what the live side asks of whoever has said who a client is."""

from datetime import datetime
from typing import Any, Protocol


class Principal(Protocol):
    """A client's identity, found once and asked again whenever something of it may have ended.

    Authentication puts one into the connection's scope as `principal`.
    """

    user: Any
    # The topic of what concerns the user alone; after a rights-changing event on it everything is asked again.
    # Empty for anonymous readers.
    topic: str
    # Where the client comes from, for the limit of connections per address.
    address: str

    def still_valid(self) -> bool:
        """Say whether the session, key or ticket still opens this connection; asks the database."""

    def ends_at(self) -> datetime | None:
        """Return when by the clock something of the client's rights ends next, or None; asks the database."""
