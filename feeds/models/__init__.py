"""Feeds and what is in them. Saving or deleting a row tells of it, wherever that is done: API, page, admin, shell."""

from feeds.models.comment import Comment
from feeds.models.counts import EntryCounts, FeedCounts
from feeds.models.dismissal import Dismissal
from feeds.models.entry import Entry
from feeds.models.feed import Feed
from feeds.models.follow import Follow
from feeds.models.mention import Mention
from feeds.models.reaction import Reaction
from feeds.models.report import Report
from feeds.models.timeline import Fanout, TimelineEntry, TimelineReader

__all__ = [
    "Comment",
    "Dismissal",
    "Entry",
    "EntryCounts",
    "Fanout",
    "Feed",
    "FeedCounts",
    "Follow",
    "Mention",
    "Reaction",
    "Report",
    "TimelineEntry",
    "TimelineReader",
]
