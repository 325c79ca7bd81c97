"""What people do in feeds, each atomic, called alike by the API, the pages, the admin and commands."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q

from access.relations import check_not_blocked
from events.actions import Fact, record_many
from feeds import event_types, likes, payloads
from feeds.models import Comment, Dismissal, Entry, Fanout, Feed, Follow, Reaction
from feeds.models.mention import note_mentions


@transaction.atomic
def publish_entry(feed: Feed, *, by, text: str, kind: str = "post", visibility: str = "public") -> Entry:
    """Publish an entry in one's own feed."""
    by.check_may_write()
    if feed.owner_id != by.pk:
        raise PermissionDenied("Only its owner publishes in a feed.")
    return Entry.objects.create(feed=feed, author=by, text=text, kind=kind, visibility=visibility)


@transaction.atomic
def publish_entries(feed: Feed, texts: Iterable[str]) -> list[Entry]:
    """Publish many entries by the feed's owner in few statements: bulk writes send no signals, so this records."""
    rows = Entry.objects.bulk_create(Entry(feed=feed, author=feed.owner, text=text) for text in texts)
    for row in rows:
        row.begin()
    Fanout.objects.bulk_create(Fanout(entry=row, feed=feed) for row in rows)
    if rows:
        note_mentions(rows, rows[0])
    published = event_types.ENTRY_PUBLISHED
    record_many(
        Fact(published, event_types.topic_of(row), f"entries/{row.pk}", {"entry": payloads.entry(row)}) for row in rows
    )
    return rows


def like_entry(entry: Entry, *, by) -> Entry:
    """Like an entry; twice is once. The entry returned carries the exact counts.

    Raises `Entry.DoesNotExist` if it has ended meanwhile.
    """
    by.check_may_write()
    held = entry.held_version
    if not likes.make(entry, by):
        check_not_blocked(entry.author_id, by=by.pk)
    elif held >= entry.written:
        # But for the counts, which are the new ones, nothing of it has changed since it was read.
        entry.liked = True
        return entry
    return _as_seen(entry, by)


def unlike_entry(entry: Entry, *, by) -> Entry:
    """Take a like back; without one nothing happens. Raises `Entry.DoesNotExist` if the entry has ended meanwhile."""
    Reaction.objects.take_back(entry, by, Reaction.Kind.LIKE)
    return _as_seen(entry, by)


def _as_seen(entry: Entry, viewer) -> Entry:
    # Read after the commit: others wait for the counts until then. It is never older than the counts it carries.
    return Entry.objects.alive().for_viewer(viewer).get(pk=entry.pk)


@transaction.atomic
def dismiss_entry(entry: Entry, *, by) -> None:
    """See an entry no more in lists; twice is once."""
    Dismissal.objects.get_or_create(entry=entry, user=by)


@transaction.atomic
def recall_entry(entry_id: int, *, by) -> None:
    """See a dismissed entry again; without a dismissal nothing happens."""
    Dismissal.objects.filter(entry=entry_id, user=by).select_related("entry").delete()


@transaction.atomic
def comment_on(entry: Entry, *, by, text: str, parent: int | None = None) -> Comment:
    """Comment on an entry, or answer a comment; raises `Entry.DoesNotExist` if the entry was deleted meanwhile."""
    by.check_may_write()
    # Likes need not wait for it, an end of the entry must.
    rows = Entry.objects.alive().select_related("author", "feed").select_for_update(of=("self",), no_key=True)
    entry = rows.get(pk=entry.pk)
    check_not_blocked(entry.author_id, by=by.pk)
    answered = None if parent is None else _answered(entry, parent, by)
    return Comment.objects.create(entry=entry, author=by, text=text, parent=answered)


def _answered(entry: Entry, parent: int, by) -> Comment:
    found = Comment.objects.alive().filter(entry=entry, pk=parent).first()
    if found is None:
        raise ValidationError({"parent": "There is no such comment under this entry."})
    if found.parent_id is not None:
        raise ValidationError({"parent": "This is an answer itself: answer the comment above it."})
    check_not_blocked(found.author_id, by=by.pk)
    return found


@transaction.atomic
def create_feed(owner, **fields) -> Feed:
    """Make a feed beside those that the owner has, within bounds that two requests at once do not pass."""
    owner.check_may_write()
    get_user_model().objects.select_for_update(no_key=True).get(pk=owner.pk)
    limit = settings.TIDEWIRE_USER_MAX_FEEDS
    if owner.feeds.count() >= limit:
        raise ValidationError(f"There are {limit} already; that is the limit.", code="too_many")
    return Feed.objects.create(owner=owner, **fields)


@transaction.atomic
def follow_feed(feed: Feed, *, by, **wishes: bool) -> Follow:
    """Follow a feed; twice is once. A followers-only feed of another's is asked first, and the follow is pending.

    The follower's wishes (`notify`: tell me what is new; `muted`: not in my home timeline) stay unless given.
    """
    by.check_may_write()
    # Locked, so that a feed that is being opened or closed is seen as the one or the other.
    feed.lock()
    check_not_blocked(feed.owner_id, by=by.pk)
    is_open = feed.visibility == Feed.Visibility.PUBLIC or feed.owner_id == by.pk
    state = Follow.State.ACCEPTED if is_open else Follow.State.PENDING
    follow, is_new = Follow.objects.get_or_create(feed=feed, follower=by, defaults={"state": state})
    if is_open and not is_new:
        follow.state = Follow.State.ACCEPTED
    for name, wish in wishes.items():
        setattr(follow, name, wish)
    if wishes or not is_new:
        follow.save()
    return follow


@transaction.atomic
def unfollow_feed(feed: Feed, *, by) -> None:
    """Follow a feed no more, or take a request back; without either nothing happens."""
    feed.lock()
    feed.follows.filter(follower=by).select_related("feed__owner", "follower").delete()


@transaction.atomic
def part(one, other) -> None:
    """End what two users follow of each other, and what they have asked to; each end is told."""
    # The feeds first, as wherever both are locked: who follows meanwhile waits, and then sees the block.
    feeds = list(Feed.objects.filter(owner__in=(one, other)).select_for_update(no_key=True).order_by("pk"))
    between = Q(feed__owner=one, follower=other) | Q(feed__owner=other, follower=one)
    Follow.objects.filter(between, feed__in=feeds).select_related("feed__owner", "follower").order_by("pk").delete()


@transaction.atomic
def accept_request(feed: Feed, follower_id: int, *, by) -> Follow:
    """Let somebody follow one's own feed who asked to; twice is once. Raises `Follow.DoesNotExist` if nobody did."""
    _lock_own(feed, by)
    follow = feed.follows.select_related("feed__owner", "follower").get(follower=follower_id)
    _accept(follow)
    return follow


@transaction.atomic
def decline_request(feed: Feed, follower_id: int, *, by) -> None:
    """Decline a request to follow one's own feed; without one nothing happens."""
    _lock_own(feed, by)
    feed.follows.pending().filter(follower=follower_id).select_related("feed__owner", "follower").delete()


@transaction.atomic
def remove_follower(feed: Feed, follower_id: int, *, by) -> None:
    """Let somebody follow one's own feed no more; without a follow nothing happens."""
    _lock_own(feed, by)
    feed.follows.accepted().filter(follower=follower_id).select_related("feed__owner", "follower").delete()


def _lock_own(feed: Feed, user) -> None:
    if feed.owner_id != user.pk:
        raise PermissionDenied("Only its owner decides who follows a feed.")
    feed.lock()


def _accept(follow: Follow) -> None:
    follow.state = Follow.State.ACCEPTED
    follow.save()
