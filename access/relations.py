"""What stands between users: who wants nothing to do with whom, and who does not want to hear of whom."""

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import F, QuerySet, Value

from access.models import Block, Mute

# What so many say who are kept away is left out of a page as it happens; of more, when the page is read anew.
KEPT_AWAY_MAX = 500


def silenced_for(user_id: int) -> set[int]:
    """Return the ids of all whom the user blocked or muted, and of all who blocked the user, by one query."""
    return set(_silenced(user_id))


def kept_away_by(user_id: int, *, muted: bool) -> list[int]:
    """Return the ids of those whom the user blocked last, and muted too if wanted; of who blocked the user, none."""
    return connection.recall(_blocked_or_muted if muted else _blocked, user_id)


def _blocked(user_id: int) -> QuerySet:
    return _only(Block.objects.filter(blocker=user_id), "blocked").order_by("-other")[:KEPT_AWAY_MAX]


def _blocked_or_muted(user_id: int) -> QuerySet:
    blocked = _only(Block.objects.filter(blocker=user_id), "blocked")
    muted = _only(Mute.objects.active().filter(muter=user_id), "muted")
    return blocked.union(muted).order_by("-other")[:KEPT_AWAY_MAX]


def silenced_among(user_id: int, others: Collection[int]) -> set[int]:
    """Return those of the others whom the user blocked or muted, or who blocked the user: bounded by who is asked."""
    return set(_silenced(user_id, others))


def _silenced(user_id: int, others: Collection[int] | None = None):
    made = Block.objects.filter(blocker=user_id)
    suffered = Block.objects.filter(blocked=user_id)
    mutes = Mute.objects.active().filter(muter=user_id)
    if others is not None:
        made, mutes = made.filter(blocked__in=others), mutes.filter(muted__in=others)
        suffered = suffered.filter(blocker__in=others)
    rows = [_only(made, "blocked"), _only(suffered, "blocker"), _only(mutes, "muted")]
    return rows[0].union(*rows[1:])


def _only(rows, column: str):
    return rows.annotate(other=F(f"{column}_id")).values_list("other", flat=True)


def are_apart(one: int, other: int) -> bool:
    """Say whether a block stands between two users, either way."""
    return one != other and Block.objects.between(Value(one), Value(other)).exists()


def check_not_blocked(user_id: int, by: int) -> None:
    """Raise `PermissionDenied` when a block stands between the user and the one whose thing it is."""
    if are_apart(user_id, by):
        raise PermissionDenied("A block stands between you and this user.")
