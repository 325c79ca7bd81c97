"""Feeds and what is in them. Saving or deleting a row tells of it, wherever that is done: API, page, admin, shell."""

from feeds.models.comment import Comment
from feeds.models.entry import Entry
from feeds.models.feed import Feed
from feeds.models.follow import Follow
from feeds.models.mention import Mention
from feeds.models.reaction import Reaction

__all__ = ["Comment", "Entry", "Feed", "Follow", "Mention", "Reaction"]
