"""What people do in feeds, each atomic, called alike by the API, the pages, the admin and commands."""

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db import transaction

from events.actions import Fact, record_many
from feeds import event_types, payloads
from feeds.models import Comment, Entry, Feed, Follow, Reaction


@transaction.atomic
def publish_entry(feed: Feed, *, by, text: str, kind: str = "post", visibility: str = "public") -> Entry:
    """Publish an entry in one's own feed."""
    if feed.owner_id != by.pk:
        raise PermissionDenied("Only its owner publishes in a feed.")
    return Entry.objects.create(feed=feed, author=by, text=text, kind=kind, visibility=visibility)


@transaction.atomic
def publish_entries(feed: Feed, texts: Iterable[str]) -> list[Entry]:
    """Publish many entries by the feed's owner in few statements: bulk writes send no signals, so this records."""
    rows = Entry.objects.bulk_create(Entry(feed=feed, author=feed.owner, text=text) for text in texts)
    published = event_types.ENTRY_PUBLISHED
    record_many(
        Fact(published, event_types.topic_of(row), f"entries/{row.pk}", {"entry": payloads.entry(row)}) for row in rows
    )
    return rows


@transaction.atomic
def like_entry(entry: Entry, *, by) -> Entry:
    """Like an entry; twice is once. The entry returned carries the exact counts."""
    Reaction.objects.get_or_create(entry=entry, user=by, kind=Reaction.Kind.LIKE)
    return _as_seen(entry, by)


@transaction.atomic
def unlike_entry(entry: Entry, *, by) -> Entry:
    """Take a like back; without one nothing happens."""
    Reaction.objects.filter(entry=entry, user=by, kind=Reaction.Kind.LIKE).delete()
    return _as_seen(entry, by)


def _as_seen(entry: Entry, viewer) -> Entry:
    return Entry.objects.for_viewer(viewer).get(pk=entry.pk)


@transaction.atomic
def comment_on(entry: Entry, *, by, text: str) -> Comment:
    """Comment on an entry."""
    return Comment.objects.create(entry=entry, author=by, text=text)


@transaction.atomic
def follow_feed(feed: Feed, *, by) -> Follow:
    """Follow a feed; twice is once. A followers-only feed of another's is asked first, and the follow is pending."""
    is_open = feed.visibility == Feed.Visibility.PUBLIC or feed.owner_id == by.pk
    state = Follow.State.ACCEPTED if is_open else Follow.State.PENDING
    follow, _ = Follow.objects.get_or_create(feed=feed, follower=by, defaults={"state": state})
    return follow


@transaction.atomic
def unfollow_feed(feed: Feed, *, by) -> None:
    """Follow a feed no more; without a follow nothing happens."""
    Follow.objects.filter(feed=feed, follower=by).select_related("feed__owner", "follower").delete()
