"""The inbox: what orders its changes, and how many wait in it."""

from collections.abc import Collection

from django.conf import settings
from django.db import connection, models

# Beyond this nobody counts: the answer is this number, and the question stays as quick.
UNREAD_COUNTED = 1000


class Inbox(models.Model):
    """One user's inbox. Its version orders what is told of it; its row makes those who change it wait their turn."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True)
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "inboxes"

    def __str__(self) -> str:
        return f"inbox of {self.user_id}"

    @classmethod
    def turn(cls, user_id: int) -> "Inbox":
        """Lock the user's inbox for this transaction."""
        return cls.turns([user_id])[user_id]

    @classmethod
    def turns(cls, user_ids: Collection[int]) -> dict[int, "Inbox"]:
        """Lock the inboxes of several users, in the order of their ids, so that two who do so never wait in a ring."""
        wanted = sorted(set(user_ids))
        cls.objects.bulk_create([cls(user_id=id) for id in wanted], ignore_conflicts=True)
        return {row.pk: row for row in cls.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}

    @staticmethod
    def write(inboxes: Collection["Inbox"]) -> None:
        """Keep the versions that were given."""
        Inbox.objects.bulk_update(inboxes, ["version"])

    @property
    def unread_count(self) -> int:
        """Count the unread notifications, up to a bound."""
        return unread_counts([self.pk])[self.pk]


def unread_counts(user_ids: Collection[int]) -> dict[int, int]:
    """Count the unread notifications of several users, each up to the bound, in one statement."""
    return {user_id: unread for user_id, _, unread in _counted(user_ids)}


def badge(user_id: int) -> tuple[int, int]:
    """Return the version of an inbox and how many wait unread in it, both of one moment."""
    _, version, unread = _counted([user_id])[0]
    return version, unread


def _counted(user_ids: Collection[int]) -> list[tuple[int, int, int]]:
    with connection.prepared() as cursor:
        cursor.execute(_COUNT, {"users": list(user_ids), "limit": UNREAD_COUNTED})
        return cursor.fetchall()


_COUNT = """
    SELECT who.id, coalesce((SELECT version FROM notifications_inbox WHERE user_id = who.id), 0),
    (SELECT count(*) FROM (
        SELECT 1 FROM notifications_notification
        WHERE recipient_id = who.id AND is_listed AND read_at IS NULL AND archived_at IS NULL AND snoozed_until IS NULL
        LIMIT %(limit)s) AS unread)
    FROM unnest(%(users)s::bigint[]) AS who(id)
"""
