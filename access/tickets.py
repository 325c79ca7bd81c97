"""Tickets: for a minute and one connection they stand for the session or key by which they were made.

A page on another origin can send neither a cookie nor a header when it opens a socket; it has its ticket in the URL.
"""

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from access.models import ApiKey, Ticket, User

LIFE = timedelta(seconds=60)
CHUNK = 5000


def make(user: User, *, api_key: ApiKey | None = None, session_key: str = "") -> tuple[str, Ticket]:
    """Make a ticket and return its text, which is nowhere kept, and its row."""
    text = secrets.token_urlsafe(32)
    expires_at = timezone.now() + LIFE
    return text, Ticket.objects.create(
        user=user, api_key=api_key, session_key=session_key, hash=_hash(text), expires_at=expires_at
    )


def redeem(text: str) -> Ticket | None:
    """Use the ticket up and return it, or None when there is none that is valid."""
    if not text.isascii() or len(text) > 100:
        return None
    ticket = Ticket.objects.filter(hash=_hash(text), expires_at__gt=timezone.now()).first()
    # Of two who come with it at the same moment, one deletes the row.
    if ticket is None or not Ticket.objects.filter(pk=ticket.pk).delete()[0]:
        return None
    return ticket


def forget() -> int:
    """Forget the tickets that nobody used, some thousand at a time."""
    forgotten = 0
    while ids := list(Ticket.objects.filter(expires_at__lt=timezone.now()).values_list("pk", flat=True)[:CHUNK]):
        forgotten += Ticket.objects.filter(pk__in=ids).delete()[0]
    return forgotten


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
