"""Which event notifies whom of what: read from the event's payload alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from notifications.models import Notification

Kind = Notification.Kind


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is to be told what, and about what."""

    kind: str
    recipient: int
    actor: int
    subject_type: str
    subject_id: str
    subject_url: str
    text: str

    @property
    def is_own_doing(self) -> bool:
        """Say whether somebody would be told of what they did themselves."""
        return self.recipient == self.actor


def _about_entry(kind: str, entry: dict[str, Any], actor: dict[str, Any], text: str) -> Notice:
    name, id = actor["username"], str(entry["id"])
    return Notice(kind, entry["author"]["id"], actor["id"], "entry", id, f"/entries/{id}/", f"{name} {text}")


def like(data: dict[str, Any]) -> Notice:
    """Tell an entry's author of a like."""
    return _about_entry(Kind.LIKE, data["entry"], data["actor"], "liked your entry")


def comment(data: dict[str, Any]) -> Notice:
    """Tell an entry's author of a comment."""
    return _about_entry(Kind.COMMENT, data["entry"], data["comment"]["author"], "commented on your entry")


def follow(data: dict[str, Any]) -> Notice:
    """Tell a feed's owner of a follower."""
    feed, follower = data["feed"], data["follower"]
    url, text = f"/feeds/{feed['slug']}/", f"{follower['username']} follows {feed['title']}"
    return Notice(Kind.FOLLOW, feed["owner"]["id"], follower["id"], "feed", str(feed["id"]), url, text[:300])


def follow_request(data: dict[str, Any]) -> Notice:
    """Tell a feed's owner of a request to follow it."""
    feed, follower = data["feed"], data["follow"]["follower"]
    url, text = f"/feeds/{feed['slug']}/#follows", f"{follower['username']} asks to follow {feed['title']}"
    return Notice(Kind.FOLLOW_REQUEST, feed["owner"]["id"], follower["id"], "feed", str(feed["id"]), url, text[:300])


Read = Callable[[dict[str, Any]], Notice]

NOTIFIES: dict[str, Read] = {
    "feeds.entry.liked": like,
    "feeds.comment.published": comment,
    "feeds.feed.followed": follow,
    "feeds.follow.requested": follow_request,
}

# What undoes or answers what: the notification is withdrawn.
WITHDRAWS: dict[str, Read] = {
    "feeds.entry.unliked": like,
    "feeds.feed.unfollowed": follow,
    "feeds.follow.accepted": follow_request,
    "feeds.follow.ended": follow_request,
}
