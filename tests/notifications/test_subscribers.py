import pytest

from access import actions as access
from access.models import Mute
from events import relay, subscribers
from events.models import Checkpoint, Event
from feeds import actions, moderation
from feeds.models import Feed
from notifications import broadcasts
from notifications.models import Notification


@pytest.fixture(autouse=True)
def quiet(alice, bob, carol, flow):
    """Let what made the cast flow first, so that each test begins with read inboxes."""
    subscribers.ensure_checkpoints()
    flow()
    Notification.objects.all().delete()


def told():
    rows = Notification.objects.filter(archived_at=None).select_related("recipient").order_by("id")
    return [(row.recipient.username, row.kind, row.text) for row in rows]


def test_a_like_arrives_with_its_author_and_goes_when_it_is_taken_back(publish, bob, flow):
    entry = publish()
    actions.like_entry(entry, by=bob)
    flow()
    assert told() == [("alice", "like", "bob liked your entry")]
    assert Notification.objects.get().subject_url == f"/entries/{entry.pk}/"
    actions.unlike_entry(entry, by=bob)
    flow()
    assert told() == []


def test_a_comment_arrives_with_the_author_of_the_entry(publish, bob, flow):
    actions.comment_on(publish(), by=bob, text="Hi")
    flow()
    assert told() == [("alice", "comment", "bob commented on your entry")]


def test_a_follow_arrives_with_the_owner_and_goes_when_it_ends(feed, mallory, flow):
    actions.follow_feed(feed, by=mallory)
    flow()
    assert told() == [("alice", "follow", "mallory follows alice")]
    actions.unfollow_feed(feed, by=mallory)
    flow()
    assert told() == []


@pytest.mark.parametrize("what", ["entry", "comment"])
def test_what_a_moderator_hides_goes_from_the_inbox_too(publish, alice, bob, carol, flow, what):
    entry = publish("@bob, look")
    comment = actions.comment_on(entry, by=carol, text="@bob")
    flow()
    assert ("bob", "mention", "carol and alice mentioned you") in told()
    moderation.hide({"entry": entry, "comment": comment}[what], by=alice, reason="x")
    flow()
    assert [each for each in told() if "carol" in each[2]] == []
    assert (told() == []) == (what == "entry")


def test_with_a_block_goes_what_the_two_heard_of_each_other_and_nothing_else(publish, alice, bob, carol, flow):
    entry = publish()
    for person in (bob, carol):
        actions.like_entry(entry, by=person)
    bobs = actions.publish_entry(bob.feeds.get(), by=bob, text="@alice @carol")
    actions.comment_on(bobs, by=alice, text="Hi")
    flow()
    assert len(told()) == 4
    access.block(alice, bob)
    flow()
    assert told() == [("alice", "like", "carol liked your entry"), ("carol", "mention", "bob mentioned you")]


def test_what_one_does_oneself_arrives_nowhere(publish, alice, feed, flow):
    entry = publish()
    actions.like_entry(entry, by=alice)
    actions.comment_on(entry, by=alice, text="Hi")
    actions.follow_feed(feed, by=alice)
    flow()
    assert told() == []


@pytest.fixture
def club(alice, mallory, flow):
    """A feed for followers, which mallory has asked to follow."""
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    actions.follow_feed(club, by=mallory)
    flow()
    return club


def test_a_request_to_follow_arrives_with_the_owner_and_goes_when_it_is_accepted(club, alice, mallory, flow):
    assert told() == [("alice", "follow_request", "mallory asks to follow Club")]
    assert Notification.objects.get().subject_url == "/feeds/club/#follows"
    actions.accept_request(club, mallory.pk, by=alice)
    flow()
    assert told() == [("alice", "follow", "mallory follows Club")]


def test_a_request_that_is_declined_or_taken_back_leaves_no_notification(club, alice, mallory, flow):
    actions.decline_request(club, mallory.pk, by=alice)
    flow()
    assert told() == []
    actions.follow_feed(club, by=mallory)
    flow()
    assert told() != []
    actions.unfollow_feed(club, by=mallory)
    flow()
    assert told() == []


def test_a_feed_deleted_takes_the_notifications_of_its_requests_along(club, flow):
    club.delete()
    flow()
    assert told() == []


def test_a_like_and_its_end_in_one_batch_leave_nothing(publish, bob, flow):
    entry = publish()
    actions.like_entry(entry, by=bob)
    actions.unlike_entry(entry, by=bob)
    flow()
    assert told() == []


def test_an_event_taken_again_after_a_crash_notifies_once(publish, bob, flow):
    actions.like_entry(publish(), by=bob)
    flow()
    Checkpoint.objects.filter(name="notifications").update(position=0)
    subscribers.run("notifications")
    likes = Notification.objects.filter(kind="like")
    assert likes.count() == 1


def test_the_notification_is_itself_an_event_in_the_log(publish, bob, alice, flow):
    actions.like_entry(publish(), by=bob)
    flow()
    event = Event.objects.filter(type="notifications.notification.created").latest("position")
    assert (event.topic, event.data["unread_count"]) == (f"users.{alice.pk}", 1)
    assert event.data["notification"]["actors"] == [{"id": bob.pk, "username": "bob"}]
    assert relay.run() == 0


def test_what_concerns_nobody_moves_the_checkpoint_only(publish, flow):
    publish()
    flow()
    assert told() == []
    assert Checkpoint.objects.get(name="notifications").position == Event.objects.latest("position").position


def test_a_mention_arrives_with_who_is_mentioned_once_also_after_an_edit(publish, bob, carol, mallory, flow):
    entry = publish("Hello @bob")
    flow()
    assert told() == [("bob", "mention", "alice mentioned you")]
    entry.text = "Hello @bob and @carol"
    entry.save()
    flow()
    assert told() == [("bob", "mention", "alice mentioned you"), ("carol", "mention", "alice mentioned you")]


def test_a_mention_where_one_may_not_read_is_not_told(club, alice, bob, flow):
    Notification.objects.all().delete()
    actions.publish_entry(club, by=alice, text="Psst @bob")
    flow()
    assert told() == []


def test_an_answer_arrives_with_who_is_answered_and_the_author_hears_of_a_comment(publish, bob, carol, flow):
    entry = publish()
    comment = actions.comment_on(entry, by=bob, text="Hi")
    flow()
    Notification.objects.all().delete()
    actions.comment_on(entry, by=carol, text="Hi @bob", parent=comment.pk)
    flow()
    assert sorted(told()) == [
        ("alice", "comment", "carol commented on your entry"),
        ("bob", "reply", "carol replied to your comment"),
    ]


def test_what_is_deleted_takes_along_what_was_told_of_it(publish, bob, carol, flow):
    entry = publish()
    comment = actions.comment_on(entry, by=bob, text="Hi @carol")
    actions.like_entry(entry, by=carol)
    flow()
    assert [kind for _, kind, _ in told()] == ["mention", "comment", "like"]
    comment.delete()
    flow()
    assert [kind for _, kind, _ in told()] == ["like"]
    entry.delete()
    flow()
    assert told() == []


def test_a_status_arrives_with_those_who_asked_for_it(feed, publish, bob, carol, flow):
    actions.follow_feed(feed, by=carol, notify=True)
    publish("A post")
    publish("Out at sea", kind="status")
    flow()
    broadcasts.run()
    assert told() == [("carol", "status", "alice has a new status")]
    assert Notification.objects.get().actor_count == 1


def test_a_status_that_was_deleted_is_told_to_nobody_more(feed, publish, carol, flow):
    actions.follow_feed(feed, by=carol, notify=True)
    entry = publish("Out at sea", kind="status")
    flow()
    entry.delete()
    flow()
    assert broadcasts.run() == 0 and told() == []


def test_nobody_hears_of_whom_they_blocked(publish, alice, bob, flow):
    entry = publish()
    Mute.objects.create(muter=alice, muted=bob)
    actions.like_entry(entry, by=bob)
    flow()
    assert told() == []


def test_a_like_given_and_taken_again_and_again_ends_as_it_stands(publish, bob, carol, flow):
    entry = publish()
    for _ in range(5):
        actions.like_entry(entry, by=bob)
        actions.unlike_entry(entry, by=bob)
    actions.like_entry(entry, by=carol)
    flow()
    assert told() == [("alice", "like", "carol liked your entry")]
