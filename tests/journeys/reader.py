"""Somebody who reads all they may by REST, then only the events after it, and compares."""

from access.models import Block
from events import catalogue
from events.models import Event
from tests.journeys.replica import OWN, Replica


class Reader:
    """Somebody who reads the state by REST, then only events."""

    def __init__(self, client, user):
        self.client, self.user = client, user
        self.me = [f"users.{user.pk}"] if user.pk else []

    def get(self, path):
        response = self.client.get(f"/api/v1/{path}")
        assert response.status_code == 200, (path, response.content)
        self.cursor = self.cursor or response.headers["Tidewire-Cursor"]
        return response.json()

    def rows(self, path):
        page = self.get(f"{path}?page_size=200")
        assert page["next"] is None, "More than a page: the comparison would be of a part."
        return page["results"]

    def read(self):
        """Read all that this reader may, and return it."""
        self.cursor, replica = None, Replica()
        feeds = self.rows("feeds/")
        for feed in feeds:
            if feed.pop("notify"):
                replica.watched.add(feed["id"])
            states = [name for name in ("following", "requested") if feed.pop(name)]
            replica.own.update((feed["id"], state) for state in states)
        readable = self.topics_of(feed["id"] for feed in feeds)
        for feed in feeds:
            if f"feeds.{feed['id']}" in readable:
                replica.put("feed", feed)
                self._read_inside(replica, feed)
        if self.user.pk:
            notifications = self.get("notifications/?page_size=200")
            replica.unread_count = notifications["unread_count"]
            for each in notifications["results"]:
                replica.put("notification", each)
            for kind in ("block", "mute"):
                for each in self.rows(f"access/{kind}s/"):
                    replica.put(kind, each)
        return replica

    def _read_inside(self, replica, feed):
        for entry in self.rows(f"feeds/{feed['id']}/entries/"):
            replica.put("entry", {name: value for name, value in entry.items() if name != "liked"})
            for comment in self.rows(f"entries/{entry['id']}/comments/"):
                replica.put("comment", comment)
        if feed["owner"]["id"] == self.user.pk:
            for follow in self.rows(f"feeds/{feed['id']}/requests/") + self.rows(f"feeds/{feed['id']}/followers/"):
                replica.put("follow", follow)

    def topics_of(self, feeds):
        """Return those topics of the feeds that may be read now."""
        return catalogue.readable(self.user, [f"feeds.{id}{end}" for id in feeds for end in ("", ".followers")])

    def events(self, topics, after):
        """Return the events of the topics after the cursor."""
        found, topics = [], ",".join(sorted(topics))
        while topics:
            page = self.client.get(f"/api/v1/events/?topic={topics}&after={after}&limit=1000").json()
            assert page["reset"] is None
            found += page["events"]
            if page["cursor"] == page["head"]:
                return found
            after = page["cursor"]
        return found

    def follow(self):
        """Read the state, let the world act, and return the state kept by events and the one read again, both bare."""
        kept = self.read()
        cursor, known = self.cursor, {each["id"] for each in kept.all("feed")}
        before = self.topics_of(known)
        yield
        mine = self.events(self.me, cursor)
        made = {each["data"]["feed"]["id"] for each in mine if each["type"] == "feeds.feed.created"}
        told = {each["data"]["feed"]["id"] for each in mine if each["type"] in OWN} | made
        topics = self.topics_of(known | told)
        for event in self.events([*topics, *self.me], cursor):
            kept.apply(event)
        kept.keep_only(topics)
        later = self.read()
        gained = {topic.split(".")[1] for topic in topics - before} - {str(id) for id in made}
        opened = {str(id) for id in kept.opened if f"feeds.{id}.followers" not in before & topics}
        unread = gained | opened
        for other in self.apart(cursor):
            # Who is blocked is not told, and what a block has hidden is read anew after its end.
            kept.drop_author(other)
            later.drop_author(other)
        yield self.bare(kept, kept, unread), self.bare(later, kept, unread)

    def apart(self, cursor):
        """Return who blocks this reader now, and whom a block kept apart until after the cursor."""
        now = Block.objects.filter(blocked=self.user.pk).values_list("blocker", flat=True)
        ended = Event.objects.filter(type="access.user.unblocked", position__gt=cursor.partition("-")[2])
        pairs = {(int(each.topic.split(".")[1]), each.data["block"]["user"]["id"]) for each in ended}
        return {*now} | {a if b == self.user.pk else b for a, b in pairs if self.user.pk in (a, b)}

    def bare(self, replica, kept, unread):
        """Return what is to be compared; a stranger's new feed is told to nobody else, so only known ones are."""
        known = {each["id"] for each in kept.all("feed")} | set(kept.own)
        known |= {each["id"] for each in replica.all("feed") if each["owner"] == self.user.pk} | set(replica.own)
        feeds = [each for each in replica.all("feed") if each["id"] in known]
        entries = [each for each in replica.all("entry") if each["feed"] in known and str(each["feed"]) not in unread]
        ids = {each["id"] for each in entries}
        comments = [each for each in replica.all("comment") if each["entry"] in ids]
        people = {each["author"] for each in entries + comments} | {each["owner"] for each in feeds}
        return {
            "feeds": {each["id"]: each for each in feeds},
            "own": replica.own,
            "watched": replica.watched,
            "entries": {each["id"]: each for each in entries},
            "comments": {each["id"]: each for each in comments},
            "follows": {each["id"]: each for each in replica.all("follow")},
            "notifications": {each["id"]: each for each in replica.all("notification")},
            "blocks": {each["id"]: each for each in replica.all("block")},
            "mutes": {each["id"]: each for each in replica.all("mute")},
            "unread_count": replica.unread_count,
            "people": {id: replica.people[id] for id in people},
            "timeline": self._timeline(replica, kept, ids),
        }

    def _timeline(self, replica, kept, ids):
        if not self.user.pk:
            return set()
        if replica is not kept:
            return {each["id"] for each in self.rows("timeline/")} & ids
        home = {id for id, state in kept.own.items() if state == "following"}
        home |= {each["id"] for each in kept.all("feed") if each["owner"] == self.user.pk}
        return {each["id"] for each in kept.all("entry") if each["feed"] in home} & ids
