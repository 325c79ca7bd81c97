"""What `feeds` says: its event types with their payloads, its topics with who may read them, and `home`."""

from access.audiences import audience
from events.catalogue import alias, event_type, topic_kind
from events.payloads import COUNT, ID, TIME, VERSION, fields, many, one_of, optional, text
from feeds.models import Entry, Feed, Follow

# -- Objects ----------------------------------------------------------------------------------------------------------

PERSON = fields(id=ID, username=text(50))

FEED = fields(
    id=ID,
    slug=text(50),
    title=text(200),
    description=text(2000),
    visibility=one_of("public", "followers"),
    owner=PERSON,
    follower_count=COUNT,
    version=VERSION,
)

ENTRY = fields(
    id=ID,
    feed=ID,
    author=PERSON,
    kind=one_of("post", "status"),
    text=text(10_000),
    visibility=one_of("public", "followers"),
    mentions=many(PERSON),
    created_at=TIME,
    edited_at=optional(TIME),
    like_count=COUNT,
    comment_count=COUNT,
    version=VERSION,
)

COMMENT = fields(
    id=ID,
    entry=ID,
    parent=optional(ID),
    parent_author=optional(ID),
    author=PERSON,
    text=text(2_000),
    mentions=many(PERSON),
    created_at=TIME,
    edited_at=optional(TIME),
    version=VERSION,
)

FOLLOW = fields(
    id=ID,
    feed=ID,
    follower=PERSON,
    state=one_of("accepted", "pending"),
    created_at=TIME,
    version=VERSION,
)

TOMBSTONE = fields(id=ID, deleted_at=TIME, version=VERSION)
ENTRY_REFERENCE = fields(id=ID, feed=ID, author=PERSON)

# -- Events on the feed's topic ---------------------------------------------------------------------------------------

ENTRY_PUBLISHED = event_type("feeds.entry.published", "An entry is new in the feed.", fields(entry=ENTRY))
ENTRY_EDITED = event_type("feeds.entry.edited", "An entry has a new text.", fields(entry=ENTRY))
ENTRY_DELETED = event_type("feeds.entry.deleted", "An entry was taken back.", fields(entry=TOMBSTONE))
ENTRY_COUNTED = event_type(
    "feeds.entry.counted",
    "An entry's counts have changed; they are absolute.",
    fields(entry=fields(id=ID, like_count=COUNT, comment_count=COUNT, version=VERSION)),
)

_ON_ENTRY = {"entry": ENTRY_REFERENCE}
COMMENT_PUBLISHED = event_type(
    "feeds.comment.published", "A comment is new under an entry.", fields(comment=COMMENT, **_ON_ENTRY)
)
COMMENT_EDITED = event_type("feeds.comment.edited", "A comment has a new text.", fields(comment=COMMENT, **_ON_ENTRY))
COMMENT_DELETED = event_type(
    "feeds.comment.deleted", "A comment was taken back.", fields(comment=TOMBSTONE, **_ON_ENTRY)
)

FEED_EDITED = event_type(
    "feeds.feed.edited",
    "A feed has new texts, another visibility or another owner.",
    fields(feed=FEED),
    changes_rights=True,
)
FEED_COUNTED = event_type(
    "feeds.feed.counted",
    "A feed's number of followers has changed; it is absolute.",
    fields(feed=fields(id=ID, follower_count=COUNT, version=VERSION)),
)
FEED_DELETED = event_type(
    "feeds.feed.deleted",
    "A feed is gone, with all its entries.",
    fields(feed=fields(id=ID, version=VERSION)),
    changes_rights=True,
)

# -- Events on a user's topic -----------------------------------------------------------------------------------------

FEED_CREATED = event_type("feeds.feed.created", "The user has a new feed.", fields(feed=FEED), changes_rights=True)

# What the follower's devices are told.
_FOLLOWING = fields(feed=FEED, follower=PERSON)
FEED_FOLLOWED = event_type("feeds.feed.followed", "The user follows a feed.", _FOLLOWING, changes_rights=True)
FEED_UNFOLLOWED = event_type(
    "feeds.feed.unfollowed", "The user has left a feed, or was removed from it.", _FOLLOWING, changes_rights=True
)
FEED_REQUESTED = event_type("feeds.feed.requested", "The user asks to follow a feed.", _FOLLOWING)
FEED_UNREQUESTED = event_type(
    "feeds.feed.unrequested", "The user's request to follow a feed was taken back or declined.", _FOLLOWING
)
FEED_WATCHED = event_type("feeds.feed.watched", "The user is notified of what is new in a feed.", _FOLLOWING)
FEED_UNWATCHED = event_type("feeds.feed.unwatched", "The user is notified of it no more.", _FOLLOWING)

# The same for the devices of the feed's owner.
FOLLOW_REQUESTED = event_type(
    "feeds.follow.requested", "Somebody asks to follow a feed of the user's.", fields(follow=FOLLOW, feed=FEED)
)
FOLLOW_ACCEPTED = event_type(
    "feeds.follow.accepted",
    "Somebody follows a feed of the user's, at once or after a request.",
    fields(follow=FOLLOW, feed=FEED),
)
FOLLOW_ENDED = event_type(
    "feeds.follow.ended",
    "Somebody has left a feed of the user's or was removed, or a request was taken back or declined.",
    fields(
        follow=fields(id=ID, feed=ID, follower=PERSON, state=one_of("accepted", "pending"), version=VERSION), feed=FEED
    ),
)
ENTRY_LIKED = event_type(
    "feeds.entry.liked", "Somebody likes an entry of the user's.", fields(entry=ENTRY_REFERENCE, actor=PERSON)
)
ENTRY_UNLIKED = event_type(
    "feeds.entry.unliked", "Somebody has taken back a like.", fields(entry=ENTRY_REFERENCE, actor=PERSON)
)

# -- Topics -----------------------------------------------------------------------------------------------------------


def _numbers(ids) -> list[int]:
    return [int(id) for id in ids if id.isascii() and id.isdigit() and len(id) < 19]


def _texts(queryset) -> list[str]:
    return [str(pk) for pk in queryset.values_list("pk", flat=True)]


def _may_read(user, ids):
    return _texts(Feed.objects.filter(pk__in=_numbers(ids)).readable_by(user))


def _may_read_as_follower(user, ids):
    return _texts(Feed.objects.filter(pk__in=_numbers(ids)).followed_by(user)) if user.is_authenticated else []


def _home(user):
    if user.is_authenticated:
        for pk in Feed.objects.followed_by(user).order_by("pk").values_list("pk", flat=True):
            yield from (f"feeds.{pk}", f"feeds.{pk}.followers")


def topic_of(entry: Entry) -> str:
    """Return the topic on which everything about the entry is told."""
    return f"feeds.{entry.feed_id}" if entry.is_public else f"feeds.{entry.feed_id}.followers"


PUBLIC_TOPIC = topic_kind("feeds.{id}", "A feed's public entries and what happens to them.", can_read=_may_read)
FOLLOWERS_TOPIC = topic_kind(
    "feeds.{id}.followers",
    "The same for entries that only followers may read.",
    can_read=_may_read_as_follower,
    has_presence=True,
)
HOME = alias("home", "The topics of the feeds one follows and of one's own.", resolve=_home)

# -- Audiences --------------------------------------------------------------------------------------------------------


def _followers(feed_id: int, after: int, limit: int) -> list[int]:
    return list(Follow.objects.audience(feed_id, after).values_list("follower_id", flat=True)[:limit])


def _watchers(feed_id: int, after: int, limit: int) -> list[int]:
    rows = Follow.objects.audience(feed_id, after).filter(notify=True)
    return list(rows.values_list("follower_id", flat=True)[:limit])


FOLLOWERS = audience("feeds.followers.{id}", "Who follows a feed.", _followers)
WATCHERS = audience("feeds.watchers.{id}", "Who follows a feed and is notified of what is new in it.", _watchers)
