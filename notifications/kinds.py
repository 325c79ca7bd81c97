"""Which event notifies whom of what: read from the event's payload alone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from notifications.models import Notification

Kind = Notification.Kind
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is to be told what, and about what."""

    kind: str
    recipient: int
    # Nobody, when a machine tells.
    actor: int | None
    actor_name: str
    subject_type: str
    subject_id: str
    subject_url: str
    # By what it is found again when it is undone.
    cause: str = ""
    # What the text says besides who.
    details: Data = field(default_factory=dict, hash=False)
    within: str = ""
    # The topic that the recipient must be allowed to read.
    topic: str = ""
    # An event that tells of the same cause again (an edit) adds nothing.
    is_once: bool = False

    @property
    def is_own_doing(self) -> bool:
        """Say whether somebody would be told of what they did themselves."""
        return self.recipient == self.actor

    @property
    def is_critical(self) -> bool:
        """Say whether it comes whatever its recipient prefers."""
        return self.kind == Kind.NOTICE

    @property
    def group_key(self) -> str:
        """Return what joins the same open group."""
        about = self.details.get("about", "")
        return ":".join(filter(None, (self.kind, self.subject_type, self.subject_id, about)))


@dataclass(frozen=True, slots=True)
class Undone:
    """What is to be taken back: by cause, by subject, by what it was in, or all that two heard of each other."""

    cause: str = ""
    subject: tuple[str, str] | None = None
    within: str = ""
    between: tuple[int, int] | None = None


def _about_entry(kind: str, entry: Data, actor: Data, recipient: int, cause: str, **fields: Any) -> Notice:
    id = str(entry["id"])
    url, within = fields.pop("url", f"/entries/{id}/"), f"feeds/{entry['feed']}"
    return Notice(
        kind, recipient, actor["id"], actor["username"], "entry", id, url, cause=cause, within=within, **fields
    )


def _about_feed(kind: str, feed: Data, actor: Data, cause: str, anchor: str = "") -> Notice:
    id, url = str(feed["id"]), f"/feeds/{feed['slug']}/{anchor}"
    told: dict[str, Any] = {"details": {"feed": feed["title"]}, "within": f"feeds/{id}"}
    return Notice(kind, feed["owner"]["id"], actor["id"], actor["username"], "feed", id, url, cause=cause, **told)


def like(data: Data, topic: str = "") -> list[Notice]:
    """Tell an entry's author of a like."""
    entry, actor = data["entry"], data["actor"]
    return [_about_entry(Kind.LIKE, entry, actor, entry["author"]["id"], f"likes/{entry['id']}/{actor['id']}")]


def comment(data: Data, topic: str = "") -> list[Notice]:
    """Tell who is answered, who is mentioned, and the entry's author: each of one thing, the nearest to them."""
    entry, said = data["entry"], data["comment"]
    nearest: dict[int, str] = {}
    if said.get("parent_author"):
        nearest[said["parent_author"]] = Kind.REPLY
    for person in said.get("mentions", ()):
        nearest.setdefault(person["id"], Kind.MENTION)
    nearest.setdefault(entry["author"]["id"], Kind.COMMENT)
    where = {"url": f"/entries/{entry['id']}/#comment-{said['id']}", "topic": topic}
    cause = f"comments/{said['id']}"
    return [_about_entry(kind, entry, said["author"], id, cause, **where) for id, kind in nearest.items()]


def comment_edited(data: Data, topic: str = "") -> list[Notice]:
    """Tell those whom the comment mentions now and did not before."""
    entry, said, cause = data["entry"], data["comment"], f"comments/{data['comment']['id']}"
    where = {"url": f"/entries/{entry['id']}/#comment-{said['id']}", "topic": topic, "is_once": True}
    mentioned = said.get("mentions", ())
    return [_about_entry(Kind.MENTION, entry, said["author"], each["id"], cause, **where) for each in mentioned]


def entry(data: Data, topic: str = "") -> list[Notice]:
    """Tell those whom an entry mentions, once each, whether at first or after an edit."""
    said, cause = data["entry"], f"entries/{data['entry']['id']}"
    mentioned = said.get("mentions", ())
    where = {"topic": topic, "is_once": True}
    return [_about_entry(Kind.MENTION, said, said["author"], each["id"], cause, **where) for each in mentioned]


def status(data: Data, topic: str = "") -> tuple[Notice, str] | None:
    """Return what is told of a new status and to which audience, or None when the entry is none."""
    said = data["entry"]
    if said["kind"] != "status":
        return None
    notice = _about_entry(Kind.STATUS, said, said["author"], 0, f"entries/{said['id']}", topic=topic)
    return notice, f"feeds.watchers.{said['feed']}"


def follow(data: Data, topic: str = "") -> list[Notice]:
    """Tell a feed's owner of a follower."""
    return [
        _about_feed(Kind.FOLLOW, data["feed"], data["follower"], _between("follows", data["feed"], data["follower"]))
    ]


def follow_request(data: Data, topic: str = "") -> list[Notice]:
    """Tell a feed's owner of a request to follow it."""
    feed, follower = data["feed"], data["follow"]["follower"]
    return [_about_feed(Kind.FOLLOW_REQUEST, feed, follower, _between("requests", feed, follower), "#follows")]


def _between(what: str, feed: Data, follower: Data) -> str:
    return f"{what}/{feed['id']}/{follower['id']}"


def _owner(topic: str) -> int:
    return int(topic.removeprefix("users."))


def _endpoint(about: str) -> "Read":
    def read(data: Data, topic: str = "") -> list[Notice]:
        """Tell an endpoint's owner how it stands with it."""
        endpoint, owner = data["endpoint"], _owner(topic)
        details = {"about": about, "url": endpoint["url"][:150], "reason": endpoint.get("disabled_reason") or ""}
        id = str(endpoint["id"])
        return [Notice(Kind.NOTICE, owner, None, "", "endpoint", id, "/webhooks/", f"endpoints/{id}", details)]

    return read


Read = Callable[[Data, str], Iterable[Notice]]

NOTIFIES: dict[str, Read] = {
    "feeds.entry.published": entry,
    "feeds.entry.edited": entry,
    "feeds.entry.liked": like,
    "feeds.comment.published": comment,
    "feeds.comment.edited": comment_edited,
    "feeds.feed.followed": follow,
    "feeds.follow.requested": follow_request,
    "webhooks.endpoint.failing": _endpoint("endpoint_failing"),
    "webhooks.endpoint.disabled": _endpoint("endpoint_disabled"),
}


def _entry_ended(data: Data, topic: str) -> Undone:
    return Undone(subject=("entry", str(data["entry"]["id"])))


def _comment_ended(data: Data, topic: str) -> Undone:
    return Undone(f"comments/{data['comment']['id']}")


def _request_ended(data: Data, topic: str) -> Undone:
    return Undone(_between("requests", data["feed"], data["follow"]["follower"]))


# What undoes or answers what: the notification is withdrawn.
WITHDRAWS: dict[str, Callable[[Data, str], Undone]] = {
    "feeds.entry.unliked": lambda data, topic: Undone(f"likes/{data['entry']['id']}/{data['actor']['id']}"),
    "feeds.entry.deleted": _entry_ended,
    "feeds.entry.hidden": _entry_ended,
    "feeds.comment.deleted": _comment_ended,
    "feeds.comment.hidden": _comment_ended,
    "feeds.feed.unfollowed": lambda data, topic: Undone(_between("follows", data["feed"], data["follower"])),
    "feeds.feed.deleted": lambda data, topic: Undone(within=f"feeds/{data['feed']['id']}"),
    "feeds.follow.accepted": _request_ended,
    "feeds.follow.ended": _request_ended,
    "access.user.blocked": lambda data, topic: Undone(between=(_owner(topic), data["block"]["user"]["id"])),
}
