"""State and events agree, for everyone: what was read earlier, with the events after its cursor, is what is read later.

Each declared type of event has a case here, which does what the type tells of; a type without one fails. Two things are
read anew by every client and are not compared: the entries of a feed that one reads only since the earlier reading, and
whether one likes an entry, which is told to the entry's author alone.
"""

import random
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser

from access.models import User
from events import catalogue, subscribers
from feeds import actions
from feeds.models import Comment, Entry, Feed, Follow
from notifications import actions as inbox
from notifications.models import Notification
from tests.journeys.replica import OWN, Replica

TYPES = sorted(each.name for each in catalogue.event_types() if apps.is_installed(each.name.split(".")[0]))

# Types after which nothing that can be read by REST is another than before, each with the reason.
WITHOUT_STATE: dict[str, str] = {}

CASES = {}


def case(name):
    """Register what is done before the earlier reading (up to the `yield`) and after it, so that the type is told."""

    def register(function):
        CASES[name] = function
        return function

    return register


# -- Reading ----------------------------------------------------------------------------------------------------------


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
        yield self.bare(kept, kept, unread), self.bare(later, kept, unread)

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
            "entries": {each["id"]: each for each in entries},
            "comments": {each["id"]: each for each in comments},
            "follows": {each["id"]: each for each in replica.all("follow")},
            "notifications": {each["id"]: each for each in replica.all("notification")},
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


@pytest.fixture
def world(api, feed, alice, bob, carol, mallory, flow, publish):
    """alice's feed, a closed one of hers that bob follows and mallory has asked to follow, and everyone who reads."""
    subscribers.ensure_checkpoints()
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    for user in (bob, mallory):
        actions.follow_feed(club, by=user)
    actions.accept_request(club, bob.pk, by=alice)
    users = {"alice": alice, "bob": bob, "carol": carol, "mallory": mallory}
    readers = {name: Reader(api(user), user) for name, user in users.items()}
    readers["a stranger"] = Reader(api(), AnonymousUser())
    return SimpleNamespace(**users, feed=feed, club=club, publish=publish, flow=flow, readers=readers)


def agree(world, act):
    """Let everyone read, act, let the events flow, and check for everyone; return what was compared."""
    watching = {name: reader.follow() for name, reader in world.readers.items()}
    for each in watching.values():
        next(each)
    act()
    world.flow()
    states = {name: next(each) for name, each in watching.items()}
    for name, (kept, later) in states.items():
        for part in later:
            assert kept[part] == later[part], f"{part} of {name}: kept by events, and read"
    return {name: later for name, (_, later) in states.items()}


# -- Cases ------------------------------------------------------------------------------------------------------------


@case("feeds.entry.published")
def publish(w):
    yield
    w.publish("For everyone")
    w.publish("For few", visibility="followers")
    actions.publish_entries(w.club, ["One", "Two"])


@case("feeds.entry.edited")
def edit(w):
    entry = w.publish("Hello")
    yield
    entry.text = "Hello again"
    entry.save()


@case("feeds.entry.deleted")
def delete_entry(w):
    entry = w.publish("Hello")
    actions.comment_on(entry, by=w.bob, text="Hi")
    yield
    entry.delete()


@case("feeds.entry.counted")
@case("feeds.entry.liked")
def like(w):
    entry = w.publish("Hello")
    yield
    actions.like_entry(entry, by=w.bob)


@case("feeds.entry.unliked")
@case("notifications.notification.withdrawn")
def unlike(w):
    entry = actions.like_entry(w.publish("Hello"), by=w.bob)
    yield
    actions.unlike_entry(entry, by=w.bob)


@case("feeds.comment.published")
@case("notifications.notification.created")
def comment(w):
    entry = w.publish("Hello")
    yield
    actions.comment_on(entry, by=w.bob, text="Hi")


@case("feeds.comment.edited")
def edit_comment(w):
    comment = actions.comment_on(w.publish("Hello"), by=w.bob, text="Hi")
    yield
    comment.text = "Hi again"
    comment.save()


@case("feeds.comment.deleted")
def delete_comment(w):
    comment = actions.comment_on(w.publish("Hello"), by=w.bob, text="Hi")
    yield
    comment.delete()


@case("feeds.feed.created")
def make_a_feed(w):
    yield
    feed = Feed.objects.create(owner=w.mallory, slug="news", title="News", visibility="followers")
    actions.publish_entry(feed, by=w.mallory, text="First")


@case("feeds.feed.edited")
def edit_a_feed(w):
    w.publish("Hello")
    yield
    w.feed.title, w.feed.visibility = "The tide", "followers"
    w.feed.save()
    w.club.description, w.club.visibility = "Open to all", "public"
    w.club.save()
    w.alice.username = "alicia"
    w.alice.save()


@case("feeds.feed.deleted")
def delete_a_feed(w):
    actions.publish_entry(w.club, by=w.alice, text="Hello")
    yield
    w.club.delete()


@case("feeds.feed.counted")
@case("feeds.feed.followed")
@case("feeds.follow.accepted")
def follow(w):
    w.publish("For few", visibility="followers")
    yield
    actions.follow_feed(w.feed, by=w.mallory)
    actions.accept_request(w.club, w.mallory.pk, by=w.alice)


@case("feeds.feed.unfollowed")
def remove_a_follower(w):
    actions.publish_entry(w.club, by=w.alice, text="Hello")
    yield
    actions.remove_follower(w.club, w.bob.pk, by=w.alice)
    actions.publish_entry(w.club, by=w.alice, text="Without bob")


@case("feeds.follow.ended")
def leave(w):
    yield
    actions.unfollow_feed(w.feed, by=w.bob)
    actions.unfollow_feed(w.club, by=w.bob)


@case("feeds.feed.requested")
@case("feeds.follow.requested")
def ask(w):
    yield
    actions.follow_feed(w.club, by=w.carol)


@case("feeds.feed.unrequested")
def decline(w):
    actions.follow_feed(w.club, by=w.carol)
    yield
    actions.decline_request(w.club, w.mallory.pk, by=w.alice)
    actions.unfollow_feed(w.club, by=w.carol)


@case("notifications.notification.read")
def read_all(w):
    for text in ("Hi", "Hi again"):
        actions.comment_on(w.publish("Hello"), by=w.bob, text=text)
    yield
    inbox.read_up_to(w.alice)


@case("notifications.notification.updated")
def mark_as_unread(w):
    actions.comment_on(w.publish("Hello"), by=w.bob, text="Hi")
    w.flow()
    inbox.read_up_to(w.alice)
    yield
    inbox.change(Notification.objects.of(w.alice).latest("pk"), read=False)


@pytest.mark.parametrize("name", TYPES)
def test_the_events_after_a_cursor_make_the_later_state_of_the_earlier_one(name, world, log):
    if name in WITHOUT_STATE:
        pytest.skip(WITHOUT_STATE[name])
    assert name in CASES, (
        f"{name} has no case. Write one beside its kind in {__name__}: a generator under @case({name!r}) that "
        "prepares, yields, and then does what the event tells of. If nothing that is read by REST changes with it, "
        "give the reason in WITHOUT_STATE; if a new kind of object does, add its schema to WHOLE in replica.py and its "
        "list to Reader."
    )
    steps = CASES[name](world)
    next(steps)
    world.flow()
    seen = len(log())
    agree(world, lambda: next(steps, None))
    assert name in log()[seen:], f"The case for {name} does not make it happen."


def test_no_case_is_of_a_type_that_is_gone():
    assert {*CASES, *WITHOUT_STATE} <= set(TYPES)


# -- At random --------------------------------------------------------------------------------------------------------


class Chance:
    """Things that people do, at random but the same for the same seed."""

    def __init__(self, world, seed):
        self.world, self.dice, self.turn = world, random.Random(seed), 0

    def act(self):
        """Do one thing, where there is something to do it with."""
        self.turn += 1
        w = self.world
        self.who = User.objects.get(pk=self.dice.choice([w.alice, w.bob, w.carol, w.mallory]).pk)
        ways = [name for name in dir(self) if name.startswith("do_")]
        getattr(self, self.dice.choice([*ways, *self.OFTEN]))()

    # What others need to have something to do it with.
    OFTEN = (
        "do_publish",
        "do_publish",
        "do_publish",
        "do_comment",
        "do_comment",
        "do_like",
        "do_follow",
        "do_make_feed",
    )

    def _one(self, rows):
        rows = list(rows.order_by("pk"))
        return self.dice.choice(rows) if rows else None

    def _entry(self):
        return self._one(Entry.objects.alive().readable_by(self.who))

    def _comment(self):
        return self._one(Comment.objects.alive().readable_by(self.who))

    def _feed(self, **fields):
        return self._one(Feed.objects.filter(**fields).select_related("owner"))

    def do_publish(self):
        visibility = self.dice.choice(["public", "followers"])
        actions.publish_entry(self._feed(owner=self.who), by=self.who, text=f"{self.turn}", visibility=visibility)

    def do_bulk(self):
        actions.publish_entries(self._feed(), [f"{self.turn}", f"{self.turn}"])

    def do_edit(self):
        if entry := self._entry():
            entry.text = f"{self.turn}"
            entry.save()

    def do_delete(self):
        if entry := self._entry():
            entry.delete()

    def do_like(self):
        if entry := self._entry():
            actions.like_entry(entry, by=self.who)

    def do_unlike(self):
        if entry := self._entry():
            actions.unlike_entry(entry, by=self.who)

    def do_comment(self):
        if entry := self._entry():
            actions.comment_on(entry, by=self.who, text=f"{self.turn}")

    def do_edit_comment(self):
        if comment := self._comment():
            comment.text = f"{self.turn}"
            comment.save()

    def do_delete_comment(self):
        if comment := self._comment():
            comment.delete()

    def do_follow(self):
        actions.follow_feed(self._feed(), by=self.who)

    def do_unfollow(self):
        actions.unfollow_feed(self._feed(), by=self.who)

    def do_answer(self):
        if follow := self._one(Follow.objects.pending()):
            answer = self.dice.choice([actions.accept_request, actions.decline_request])
            answer(follow.feed, follow.follower_id, by=follow.feed.owner)

    def do_remove(self):
        if follow := self._one(Follow.objects.accepted()):
            actions.remove_follower(follow.feed, follow.follower_id, by=follow.feed.owner)

    def do_open_or_close(self):
        # A personal one stays open: its readers learn by it that its owner has another name.
        if feed := self._feed(is_personal=False):
            feed.visibility = {"public": "followers", "followers": "public"}[feed.visibility]
            feed.save()

    def do_describe(self):
        feed = self._feed()
        feed.description = f"{self.turn}"
        feed.save()

    def do_rename(self):
        self.who.username = f"{self.who.username.rstrip('0123456789')}{self.turn}"
        self.who.save()

    def do_make_feed(self):
        visibility = self.dice.choice(["public", "followers"])
        Feed.objects.create(owner=self.who, slug=f"feed-{self.turn}", title=f"{self.turn}", visibility=visibility)

    def do_delete_feed(self):
        if feed := self._feed(is_personal=False):
            feed.delete()

    def do_read(self):
        if self.dice.random() < 0.5:
            inbox.read_up_to(self.who)
        elif one := self._one(Notification.objects.of(self.who).unread()):
            inbox.change(one, read=True)

    def do_unread(self):
        if one := self._one(Notification.objects.of(self.who).exclude(read_at=None)):
            inbox.change(one, read=False)


@pytest.mark.parametrize("seed", range(6))
def test_fifty_things_done_at_random_are_told_well_enough_to_follow_them(world, seed):
    chance = Chance(world, seed)
    for _ in range(25):
        chance.act()
    if seed % 2:
        # Else the log is behind the rows: then events tell what was read already.
        world.flow()

    def act():
        for step in range(50):
            chance.act()
            if step % 10 == 9:
                world.flow()

    compared = agree(world, act)
    assert all(state["entries"] and state["feeds"] for state in compared.values())
