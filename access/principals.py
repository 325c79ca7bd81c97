"""Who a client of the live side is, by what it brought: a key, a ticket, the session cookie, or nothing.

Each answers, for as long as the connection lives, whether it still is that, and when by the clock it will not be.
"""

from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from access import keys, sessions, tickets
from access.models import ApiKey, Grant, User
from events.consumers import Principal


class Anonymous:
    """Nobody in particular: nothing of it can end."""

    def __init__(self, address: str = "") -> None:
        self.user = AnonymousUser()
        self.topic = ""
        self.address = address

    def still_valid(self) -> bool:
        """Say that it is as good as ever; asks nothing."""
        return True

    def ends_at(self) -> datetime | None:
        """Say that it has no end."""
        return None


class KeyHolder:
    """The holder of an API key."""

    def __init__(self, key: ApiKey, address: str = "") -> None:
        self.user: User | AnonymousUser = key.user
        self.topic = f"users.{key.user_id}"
        self.address = address
        self._key_id = key.pk

    def still_valid(self) -> bool:
        """Say whether the key still opens something; the user is then known anew."""
        if (key := keys.valid_by_id(self._key_id)) is None:
            return False
        self.user = key.user
        return True

    def ends_at(self) -> datetime | None:
        """Return when the key, or the first of the grants, expires."""
        key = keys.valid_by_id(self._key_id)
        return _earliest(key.expires_at, Grant.objects.held_by(key.user).next_end()) if key else None


class SessionHolder:
    """Somebody who is signed in."""

    def __init__(self, session_key: str, user: User, address: str = "") -> None:
        self.user: User | AnonymousUser = user
        self.topic = f"users.{user.pk}"
        self.address = address
        self._session_key = session_key

    def still_valid(self) -> bool:
        """Say whether the session is still this user's; the user is then known anew."""
        found = sessions.find(self._session_key)
        if found is None or found[0].pk != self.user.pk:
            return False
        self.user = found[0]
        return True

    def ends_at(self) -> datetime | None:
        """Return when the session, or the first of the grants, expires."""
        found = sessions.find(self._session_key)
        return _earliest(found[1], Grant.objects.held_by(found[0]).next_end()) if found else None


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def by_key(text: str, address: str = "") -> KeyHolder | None:
    """Return the holder of the key with this text, or None when it opens nothing."""
    key = keys.find(text)
    return KeyHolder(key, address) if key else None


def by_session(session_key: str, address: str = "") -> SessionHolder | Anonymous:
    """Return whose session this is; one that is over is nobody's."""
    found = sessions.find(session_key)
    return SessionHolder(session_key, found[0], address) if found else Anonymous(address)


def by_ticket(text: str, address: str = "") -> Principal | None:
    """Use the ticket up and return who it stands for, or None when it or what it was made from is no longer valid."""
    ticket = tickets.redeem(text)
    if ticket is None:
        return None
    if ticket.api_key_id is not None:
        key = keys.valid_by_id(ticket.api_key_id)
        return KeyHolder(key, address) if key else None
    holder = by_session(ticket.session_key, address)
    return holder if holder.user.pk == ticket.user_id else None
