"""Which event notifies whom of what: read from the event's payload alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from notifications.models import Notification

Kind = Notification.Kind
TEXT_MAX = 300


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is to be told what, and about what."""

    kind: str
    recipient: int
    # Nobody, where the server itself tells something.
    actor: int | None
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
    return Notice(Kind.FOLLOW, feed["owner"]["id"], follower["id"], "feed", str(feed["id"]), url, text[:TEXT_MAX])


def follow_request(data: dict[str, Any]) -> Notice:
    """Tell a feed's owner of a request to follow it."""
    feed, follower = data["feed"], data["follow"]["follower"]
    url, text = f"/feeds/{feed['slug']}/#follows", f"{follower['username']} asks to follow {feed['title']}"
    return Notice(
        Kind.FOLLOW_REQUEST, feed["owner"]["id"], follower["id"], "feed", str(feed["id"]), url, text[:TEXT_MAX]
    )


def endpoint_failing(owner: int, data: dict[str, Any]) -> Notice:
    """Tell an endpoint's owner that it will be switched off unless it answers."""
    return _about_endpoint(owner, data["endpoint"], "has answered no webhook for long and will be switched off")


def endpoint_disabled(owner: int, data: dict[str, Any]) -> Notice:
    """Tell an endpoint's owner that it was switched off, and why."""
    endpoint = data["endpoint"]
    return _about_endpoint(owner, endpoint, f"gets no webhooks any more. {endpoint['disabled_reason']}")


def _about_endpoint(owner: int, endpoint: dict[str, Any], text: str) -> Notice:
    name = endpoint["description"] or endpoint["url"]
    length = TEXT_MAX - len(text) - 1
    name = name if len(name) <= length else f"{name[: length - 1]}…"
    return Notice(Kind.NOTICE, owner, None, "endpoint", str(endpoint["id"]), "/webhooks/", f"{name} {text}")


Read = Callable[[dict[str, Any]], Notice]

NOTIFIES: dict[str, Read] = {
    "feeds.entry.liked": like,
    "feeds.comment.published": comment,
    "feeds.feed.followed": follow,
    "feeds.follow.requested": follow_request,
}

# What the server tells somebody of what is theirs, on their own topic.
TELLS_OWNER: dict[str, Callable[[int, dict[str, Any]], Notice]] = {
    "webhooks.endpoint.failing": endpoint_failing,
    "webhooks.endpoint.disabled": endpoint_disabled,
}

# What undoes or answers what: the notification is withdrawn.
WITHDRAWS: dict[str, Read] = {
    "feeds.entry.unliked": like,
    "feeds.feed.unfollowed": follow,
    "feeds.follow.accepted": follow_request,
    "feeds.follow.ended": follow_request,
}


def notice_of(type: str, topic: str, data: dict[str, Any]) -> Notice | None:
    """Return what an event tells somebody, or None."""
    if type in TELLS_OWNER:
        return TELLS_OWNER[type](int(topic.removeprefix("users.")), data)
    return NOTIFIES[type](data) if type in NOTIFIES else None
