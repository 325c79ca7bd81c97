"""Event types that are declared in the admin, for events that clients publish; known from memory for some seconds."""

from collections.abc import Collection
from time import monotonic

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from events.catalogue import EventType
from events.models import DeclaredType

FRESH_SECONDS = 3.0
# What is not there may have been declared just now.
MISSING_SECONDS = 0.5

_known: dict[str, EventType] = {}
_read_at = float("-inf")


def find(name: str) -> EventType | None:
    """Return the type of this name, or None."""
    return _fresh(FRESH_SECONDS).get(name) or _fresh(MISSING_SECONDS).get(name)


def every() -> Collection[EventType]:
    """Return all of them."""
    return _fresh(FRESH_SECONDS).values()


def forget() -> None:
    """Look at the database the next time."""
    global _read_at
    _read_at = float("-inf")


@receiver([post_save, post_delete], sender=DeclaredType)
def see_what_has_changed(sender, **kwargs) -> None:
    """Let this process know at once, others within seconds; again after the commit, before which the old was read."""
    forget()
    transaction.on_commit(forget)


def _fresh(seconds: float) -> dict[str, EventType]:
    global _known, _read_at
    if monotonic() - _read_at > seconds:
        types = {row.name: _event_type(row) for row in DeclaredType.objects.all()}
        # What has not changed is kept, with the validator that it has made.
        _known = {name: _known[name] if _known.get(name) == each else each for name, each in types.items()}
        _read_at = monotonic()
    return _known


def _event_type(row: DeclaredType) -> EventType:
    return EventType(row.name, row.summary, row.schema, row.version, from_clients=True)
