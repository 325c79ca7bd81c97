"""State and events agree, for everyone: what was read earlier, with the events after its cursor, is what is read later.

Each declared type of event has a case here, which does what the type tells of; a type without one fails. What no event
tells is not compared, and a client reads it anew: the entries of a feed that one may read only since the earlier
reading; whether one likes an entry, which only its author is told; which notifications were seen or put away.
"""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from access import actions as access
from access.models import Grant
from events import catalogue, log, subscribers
from feeds import actions, moderation
from feeds.models import Feed
from notifications import actions as inbox
from notifications.models import Notification
from tests.conftest import person
from tests.journeys.chance import Chance
from tests.journeys.reader import Reader

TYPES = sorted(each.name for each in catalogue.types_of_code() if apps.is_installed(each.name.split(".")[0]))

# Types after which nothing that can be read by REST is another than before, each with the reason.
WITHOUT_STATE = {
    "notifications.preferences.changed": "preferences are one object, told whole; compared where they are tested",
    "notifications.thread.muted": "a muted subject is told by its name alone; compared where it is tested",
    "notifications.thread.unmuted": "a muted subject is told by its name alone; compared where it is tested",
    "access.user.deactivated": "whether a user may come in is read by nobody",
    "access.user.reactivated": "whether a user may come in is read by nobody",
    "access.user.suspended": "whether a user may write is read by moderators alone",
    "access.user.unsuspended": "whether a user may write is read by moderators alone",
    "feeds.entry.dismissed": "what one has dismissed is compared in a test of its own below",
    "feeds.entry.recalled": "what one has dismissed is compared in a test of its own below",
    "webhooks.endpoint.tested": "a test is sent to its endpoint and changes nothing",
    "webhooks.endpoint.failing": "an endpoint is its owner's to set, not followed by events; this is an alarm",
    "webhooks.endpoint.disabled": "an endpoint is its owner's to set, not followed by events; this is an alarm",
    "access.session.ended": "sessions are read by nobody",
    "access.key.revoked": "a key is told of to be refused; that it was made is told to who made it alone",
    "access.grant.created": "grants have no version; they are compared in a test of their own below",
    "access.grant.revoked": "grants have no version; they are compared in a test of their own below",
}

CASES = {}


def case(name):
    """Register what is done before the earlier reading (up to the `yield`) and after it, so that the type is told."""

    def register(function):
        CASES[name] = function
        return function

    return register


@pytest.fixture
def alice(db):
    """Here she is a row, and not somebody who writes by the API."""
    return person("alice")


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


@case("access.user.blocked")
def block(w):
    entry = w.publish("Hello")
    for user in (w.bob, w.carol):
        actions.comment_on(entry, by=user, text="Hi")
    actions.comment_on(actions.publish_entry(w.bob.feeds.get(), by=w.bob, text="Mine"), by=w.alice, text="Yours")
    yield
    access.block(w.bob, w.alice)
    access.block(w.alice, w.carol)


@case("access.user.unblocked")
def unblock(w):
    actions.comment_on(w.publish("Hello"), by=w.carol, text="Hi")
    access.block(w.alice, w.carol)
    yield
    access.unblock(w.alice, w.carol.pk)


@case("feeds.feed.muted")
def mute_a_feed(w):
    w.publish("Hello")
    yield
    actions.follow_feed(w.feed, by=w.bob, muted=True)
    w.publish("Hello again")


@case("feeds.feed.unmuted")
def unmute_a_feed(w):
    actions.follow_feed(w.feed, by=w.bob, muted=True)
    w.publish("Hello")
    yield
    actions.follow_feed(w.feed, by=w.bob, muted=False)


@case("feeds.entry.hidden")
def hide(w):
    entry = w.publish("Hello")
    actions.comment_on(entry, by=w.bob, text="Hi")
    yield
    moderation.hide(entry, by=w.alice, reason="Spam")


@case("feeds.entry.restored")
def restore(w):
    entry = w.publish("Hello")
    actions.comment_on(entry, by=w.bob, text="Hi")
    moderation.hide(entry, by=w.alice, reason="Spam")
    yield
    moderation.restore(entry)


@case("feeds.comment.hidden")
def hide_a_comment(w):
    comment = actions.comment_on(w.publish("Hello"), by=w.bob, text="Hi")
    yield
    moderation.hide(comment, by=w.alice, reason="Spam")


@case("feeds.comment.restored")
def restore_a_comment(w):
    comment = actions.comment_on(w.publish("Hello"), by=w.bob, text="Hi @carol")
    moderation.hide(comment, by=w.alice, reason="Spam")
    yield
    moderation.restore(comment)


@case("feeds.report.opened")
def report(w):
    entry = w.publish("Hello")
    yield
    moderation.report("entry", entry, by=w.bob, reason="spam")


@case("feeds.report.closed")
def decide(w):
    entry = w.publish("Hello")
    reports = [moderation.report("entry", entry, by=user, reason="spam")[0] for user in (w.bob, w.carol)]
    yield
    moderation.decide(reports[0], "rejected", by=w.alice, note="It is fine.")
    moderation.hide(entry, by=w.alice, reason="Spam")


@case("feeds.feed.watched")
def watch(w):
    yield
    actions.follow_feed(w.feed, by=w.bob, notify=True)
    actions.follow_feed(w.club, by=w.carol, notify=True)


@case("feeds.feed.unwatched")
def unwatch(w):
    for feed in (w.feed, w.club):
        actions.follow_feed(feed, by=w.bob, notify=True)
    yield
    actions.follow_feed(w.feed, by=w.bob, notify=False)
    actions.unfollow_feed(w.club, by=w.bob)


@case("access.user.muted")
def mute(w):
    access.mute(w.alice, w.carol)
    yield
    access.mute(w.alice, w.bob)
    access.mute(w.alice, w.carol, until=timezone.now() + timedelta(hours=1))


@case("access.user.unmuted")
def unmute(w):
    access.mute(w.alice, w.carol)
    yield
    access.unmute(w.alice, w.carol.pk)


@pytest.mark.parametrize("name", TYPES)
def test_the_events_after_a_cursor_make_the_later_state_of_the_earlier_one(name, world, log):
    if name in WITHOUT_STATE:
        pytest.skip(WITHOUT_STATE[name])
    assert name in CASES, (
        f"{name} has no case. Write one beside its kind in {__name__}: a generator under @case({name!r}) that "
        "prepares, yields, and then does what the event tells of. If nothing that is read by REST changes with it, "
        "give the reason in WITHOUT_STATE; if a new kind of object does, add its schema to WHOLE in replica.py and its "
        "list to reader.py."
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


def grants_of(client):
    grants = client.get("/api/v1/access/grants/").json()["results"]
    return {grant["id"]: grant["topic"] for grant in grants if grant["revoked_at"] is None}


def test_the_grants_that_events_tell_of_are_the_grants_that_are_read(api, world):
    bob = api(world.bob)
    kept = [access.create_grant(by=world.alice, user=world.bob, topic=f"orders.{n}", right="read") for n in range(2)]
    world.flow()
    copy, cursor = grants_of(bob), str(log.head().cursor)
    access.create_grant(by=world.alice, user=world.bob, topic="parcels.*", right="publish")
    Grant.objects.filter(pk=kept[0].pk).revoke()
    world.flow()
    for event in bob.get(f"/api/v1/events/?topic=me&after={cursor}").json()["events"]:
        grant = event["data"]["grant"]
        if event["type"] == "access.grant.created":
            copy[grant["id"]] = grant["topic"]
        else:
            del copy[grant["id"]]
    assert copy == grants_of(bob) and sorted(copy.values()) == ["orders.1", "parcels.*"]


def test_what_is_dismissed_on_one_device_is_known_on_the_others(world):
    bob, entries = world.readers["bob"], [world.publish(text) for text in ("One", "Two")]
    actions.dismiss_entry(entries[0], by=world.bob)
    world.flow()
    kept, cursor = bob.read(), bob.cursor
    actions.recall_entry(entries[0].pk, by=world.bob)
    actions.dismiss_entry(entries[1], by=world.bob)
    world.flow()
    for event in bob.events(bob.me, cursor):
        kept.apply(event)
    assert kept.dismissed == bob.read().dismissed == {entries[1].pk}
