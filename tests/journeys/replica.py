"""A client's copy of the state: read once by REST, then kept by events alone, without a rule for each type."""

from typing import Any

from access import event_types as access
from feeds import event_types as feeds
from notifications.event_types import NOTIFICATION

Object = dict[str, Any]

# What is whole is kept; a part (counts, a tombstone) changes only what is known already.
WHOLE = {
    name: schema["properties"].keys()
    for name, schema in {
        "feed": feeds.FEED,
        "entry": feeds.ENTRY,
        "comment": feeds.COMMENT,
        "follow": feeds.FOLLOW,
        "notification": NOTIFICATION,
        "report": feeds.REPORT,
        "block": access.BLOCK,
        "mute": access.MUTE,
    }.items()
}
ENDS = {"deleted", "ended", "withdrawn", "hidden"}
# What ends a relation between users is named after the user.
RELATIONS_END = {"unblocked": "block", "unmuted": "mute"}
# What the viewer's own fields of a feed are after an event that is told to the viewer alone.
OWN = {
    "feeds.feed.followed": "following",
    "feeds.feed.requested": "requested",
    "feeds.feed.unfollowed": None,
    "feeds.feed.unrequested": None,
}
WISHES = {
    "feeds.feed.watched": ("notify", True),
    "feeds.feed.unwatched": ("notify", False),
    "feeds.feed.muted": ("muted", True),
    "feeds.feed.unmuted": ("muted", False),
}
DISMISSED = {"feeds.entry.dismissed", "feeds.entry.recalled"}
# Between people kept apart no list shows what the other says; what was shown goes with the block.
APART = "access.user.blocked"
INSIDE = {"feed": ("entry", "follow"), "entry": ("comment",)}


class Replica:
    """Objects by kind and id; people by id, so that a new name reaches all that they said; the viewer's own."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, Any], Object] = {}
        self.people: dict[Any, str] = {}
        self.own: dict[Any, str] = {}
        # What the viewer wishes of feeds they follow, each as (feed, wish); and what they want to see no more.
        self.wishes: set[tuple[Any, str]] = set()
        self.dismissed: set[Any] = set()
        # Entries that are shown again: what stands under them is read anew.
        self.restored: set[Any] = set()
        self.unread_count = 0
        # Feeds that were opened: what was told while they were closed did not reach everyone who reads them now.
        self.opened: set[Any] = set()

    def all(self, kind: str) -> list[Object]:
        """Return the objects of one kind."""
        return [each for (its_kind, _), each in self.objects.items() if its_kind == kind]

    def put(self, kind: str, row: Object) -> None:
        """Keep a row that was read."""
        self.objects[kind, row["id"]] = self._without_names(row)

    def apply(self, event: Object) -> None:
        """Bring the copy up to date by one event."""
        data, (noun, verb) = self._without_names(event["data"]), event["type"].split(".")[-2:]
        news = {
            kind
            for kind, told in data.items()
            # What has no version is a reference.
            if kind in WHOLE and "version" in told and self._take(kind, told, _is_end(kind, noun, verb))
        }
        if event["type"] in OWN:
            self._follow(data["feed"]["id"], OWN[event["type"]])
        if event["type"] in WISHES:
            self._wish(data["feed"]["id"], *WISHES[event["type"]])
        if event["type"] in DISMISSED:
            self._dismiss(data["entry"]["id"], verb == "dismissed")
        if verb == "restored" and noun == "entry":
            self.restored.add(data["entry"]["id"])
        if event["type"] == APART:
            self.drop_author(data["block"]["user"])
        if "unread_count" in data:
            self.unread_count = data["unread_count"]
            if verb == "read" and news:
                self._read_before(data["notification"])

    def drop(self, kind: str, id: Any) -> None:
        """Forget an object and what is in it."""
        self.objects.pop((kind, id), None)
        if kind == "feed":
            self._follow(id, None)
        for inner in INSIDE.get(kind, ()):
            for each in [each for each in self.all(inner) if each[kind] == id]:
                self.drop(inner, each["id"])

    def drop_author(self, person: Any) -> None:
        """Forget what somebody has said."""
        for kind in ("entry", "comment"):
            for each in [each for each in self.all(kind) if each["author"] == person]:
                self.drop(kind, each["id"])

    def keep_only(self, readable: set[str]) -> None:
        """Forget what is told on topics that may no longer be read."""
        for feed in self.all("feed"):
            if f"feeds.{feed['id']}" not in readable:
                asks, wishes = self.own.get(feed["id"]) == "requested", self.wishes
                self.drop("feed", feed["id"])
                # Who asks to follow a feed knows that and no more of it; who follows one reads it while it is there.
                self._follow(feed["id"], "requested" if asks else None)
                self.wishes |= {wish for wish in wishes if asks and wish[0] == feed["id"]}
        for entry in self.all("entry"):
            feed = self.objects["feed", entry["feed"]]  # what is told of an entry is told to readers of its feed
            is_public = entry["visibility"] == feed["visibility"] == "public"
            if not is_public and f"feeds.{entry['feed']}.followers" not in readable:
                self.drop("entry", entry["id"])

    def _take(self, kind: str, told: Object, is_end: bool) -> bool:
        known = self.objects.get((kind, told["id"]))
        # A notification that was put away or put off is not in the inbox, until it is told of again without that.
        is_end = is_end or bool(told.get("archived_at") or told.get("snoozed_until"))
        if known is not None and told["version"] <= known["version"]:
            return False
        if kind == "feed" and known and (known["visibility"], told.get("visibility")) == ("followers", "public"):
            self.opened.add(told["id"])
        if is_end:
            self.drop(kind, told["id"])
        elif known is not None:
            self.objects[kind, told["id"]] = known | told
        elif told.keys() >= WHOLE[kind]:
            self.objects[kind, told["id"]] = told
        return True

    def _follow(self, feed: Any, state: str | None) -> None:
        self.own.pop(feed, None)
        if state:
            self.own[feed] = state
        else:
            self.wishes = {wish for wish in self.wishes if wish[0] != feed}

    def _wish(self, feed: Any, wish: str, wanted: bool) -> None:
        (self.wishes.add if wanted else self.wishes.discard)((feed, wish))

    def _dismiss(self, entry: Any, wanted: bool) -> None:
        (self.dismissed.add if wanted else self.dismissed.discard)(entry)

    def _read_before(self, last: Object) -> None:
        unread = [each for each in self.all("notification") if each["read_at"] is None]
        if len(unread) <= self.unread_count:
            return
        for each in unread:
            if each["id"] < last["id"]:
                each |= {"read_at": last["read_at"], "seen_at": last["read_at"], "version": each["version"] + 1}

    def _without_names(self, value: Any) -> Any:
        """Put the id in the place of each person, and keep the name that was told last."""
        if isinstance(value, list):
            return [self._without_names(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"id", "username"}:
            self.people[value["id"]] = value["username"]
            return value["id"]
        return {name: self._without_names(each) for name, each in value.items()}


def _is_end(kind: str, noun: str, verb: str) -> bool:
    return (kind == noun and verb in ENDS) or RELATIONS_END.get(verb) == kind
