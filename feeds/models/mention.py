"""Mentions."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Upper

from access.models import Block
from feeds import mentions
from feeds.models.follow import Follow


class MentionManager(models.Manager):
    """Mentions, each with who is mentioned."""

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().select_related("user")


class Mention(models.Model):
    """Somebody is named in an entry or a comment; the row stays theirs when they or others change their name."""

    entry = models.ForeignKey(
        "feeds.Entry", on_delete=models.CASCADE, null=True, related_name="mentions", db_index=False
    )
    comment = models.ForeignKey(
        "feeds.Comment", on_delete=models.CASCADE, null=True, related_name="mentions", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions")

    objects = MentionManager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            # Named twice is mentioned once; also who is mentioned in what is shown.
            models.UniqueConstraint(fields=["entry", "user"], condition=~Q(entry=None), name="feeds_mention_in_entry"),
            models.UniqueConstraint(
                fields=["comment", "user"], condition=~Q(comment=None), name="feeds_mention_in_comment"
            ),
            models.CheckConstraint(condition=Q(entry=None) ^ Q(comment=None), name="feeds_mention_in_one"),
        ]

    def __str__(self) -> str:
        return f"@{self.user}"


class Mentioning:
    """What may name people: an entry or a comment, which says as what by `mentioned_in`, and to whose readers."""

    mentioned_in: str
    _mentioned: list | None = None

    @property
    def mentioned(self) -> list:
        """Return the users who are mentioned, in the order in which they are named."""
        return [each.user for each in self.mentions.all()] if self._mentioned is None else self._mentioned

    def note_mentions(self, *, is_new: bool) -> None:
        """Keep who is named in the text and may read it, and nobody else."""
        note_mentions([self], self.entry_of, are_new=is_new)

    def forget_mentions(self) -> None:
        """Keep nobody: what was said is taken back."""
        self.mentions.all().delete()
        self._mentioned = []


def note_mentions(rows: list, entry, *, are_new: bool = True) -> None:
    """Keep for entries of one author in one feed, or for a comment, who is named; in few statements for many rows."""
    named = {row: mentions.names_in(row.text) for row in rows}
    users = _readers({name for names in named.values() for each in names for name in each}, rows[0].author_id, entry)
    new, old = [], []
    for row in rows:
        row._mentioned = list(dict.fromkeys(_meant(named[row], users)))
        wanted = {user.pk for user in row._mentioned}
        kept = {} if are_new else {each.user_id: each.pk for each in row.mentions.all()}
        old += [pk for user_id, pk in kept.items() if user_id not in wanted]
        new += [Mention(**{row.mentioned_in: row}, user=user) for user in row._mentioned if user.pk not in kept]
    if old:
        Mention.objects.filter(pk__in=old).delete()
    if new:
        Mention.objects.bulk_create(new)


def _meant(names: Iterable[tuple[str, ...]], users: dict) -> Iterable:
    return (users[found] for each in names if (found := next((name for name in each if name in users), None)))


def _readers(names: set[str], author: int, entry) -> dict:
    """Return by name those who may read the entry and are not kept apart from who names them."""
    if not names:
        return {}
    rows = get_user_model().objects.annotate(upper=Upper("username")).filter(upper__in=[name.upper() for name in names])
    rows = rows.filter(Block.objects.apart(author, "pk"), is_active=True).exclude(pk=author)
    if not entry.is_public:
        follows = Follow.objects.filter(feed=entry.feed_id, follower=OuterRef("pk"), state=Follow.State.ACCEPTED)
        rows = rows.filter(Q(pk=entry.feed.owner_id) | Exists(follows))
    return {user.username.lower(): user for user in rows}
