"""The timelines follow the log. The live event has left when they do: they only catch up with it."""

from django.db import transaction

from events import wake
from events.actions import redact
from events.models import Event
from events.subscribers import subscriber
from feeds import event_types as types
from feeds import materialisation
from feeds.models import Fanout

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


@subscriber("redaction", types=[each.name for each in ENDS])
def take_back_what_was_said(event: Event) -> None:
    """Blank what was deleted or hidden in the events that told it; what is shown again is told again, after this."""
    noun = event.type.split(".")[1]
    redact(event.subject, noun, before=event.position, text="", mentions=[])
