"""The timelines follow the log. The live event has left when they do: they only catch up with it."""

from django.db import transaction

from events import wake
from events.actions import redact, redact_topics
from events.models import Event
from events.subscribers import subscriber
from feeds import event_types as types
from feeds import materialisation
from feeds.models import Comment, Fanout

FAN_OUT = "feeds.tasks.fan_out"


@subscriber(
    "timeline", types=[each.name for each in (types.ENTRY_PUBLISHED, types.FEED_FOLLOWED, types.FEED_UNFOLLOWED)]
)
def keep_timelines(event: Event) -> None:
    """Let an entry be pushed; give a new follower what is there, and take it from who follows no more."""
    if event.type == types.ENTRY_PUBLISHED.name:
        Fanout.objects.filter(pk=event.data["entry"]["id"]).update(position=event.position)
        transaction.on_commit(lambda: wake.task(FAN_OUT), robust=True)
    else:
        keep = materialisation.add_feed if event.type == types.FEED_FOLLOWED.name else materialisation.remove_feed
        keep(event.data["follower"]["id"], event.data["feed"]["id"])


ENDS = (types.ENTRY_DELETED, types.ENTRY_HIDDEN, types.COMMENT_DELETED, types.COMMENT_HIDDEN)
BLANK = {"text": "", "mentions": []}
# Of the comments under an entry so many are blanked at once.
CHUNK = 200


@subscriber("redaction", types=[each.name for each in (*ENDS, types.FEED_DELETED)])
def take_back_what_was_said(event: Event) -> None:
    """Blank what was deleted or hidden in the events that told it; what is shown again is told again, after this."""
    noun = event.type.split(".")[1]
    if noun == "feed":
        return _take_back_a_feed(event.data["feed"]["id"], event.position)
    redact([event.subject], noun, before=event.position, **BLANK)
    if noun == "entry":
        _take_back_comments(event.data["entry"]["id"], event.position)


def _take_back_comments(entry_id: int, before: int) -> None:
    """Blank what was said under an entry: it is nowhere to be read while the entry is not."""
    after, under = 0, Comment.objects.filter(entry=entry_id, deleted_at=None).order_by("pk")
    while ids := list(under.filter(pk__gt=after).values_list("pk", flat=True)[:CHUNK]):
        redact([f"comments/{pk}" for pk in ids], "comment", before=before, **BLANK)
        after = ids[-1]


def _take_back_a_feed(feed_id: int, before: int) -> None:
    """Blank all that was said in a feed: the rows are gone with it, and the right to read its topics has ended."""
    for noun in ("entry", "comment"):
        redact_topics([f"feeds.{feed_id}", f"feeds.{feed_id}.followers"], noun, before=before, **BLANK)
