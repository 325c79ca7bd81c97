import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from access.models import User
from events.models import Outbox
from feeds import actions
from feeds.models import Comment, Entry, Feed, Follow, Reaction


def test_only_its_owner_publishes_in_a_feed(feed, bob, mallory):
    for somebody in (bob, mallory):
        with pytest.raises(PermissionDenied):
            actions.publish_entry(feed, by=somebody, text="Mine")
    assert not Entry.objects.exists()


def test_an_entry_is_a_public_post_unless_said_otherwise(publish):
    assert (publish().kind, publish().visibility) == ("post", "public")
    entry = publish(kind="status", visibility="followers")
    assert (entry.kind, entry.visibility) == ("status", "followers")


def test_many_entries_are_published_in_few_queries_and_each_is_told(feed, query_count, outbox):
    few = query_count(lambda: actions.publish_entries(feed, ["one"]))
    many = query_count(lambda: actions.publish_entries(feed, [str(number) for number in range(100)]))
    assert many <= few
    assert outbox().count("feeds.entry.published") == 101
    assert Outbox.objects.latest("id").data["entry"]["text"] == "99"


def test_many_entries_of_a_feed_for_followers_go_to_its_followers(alice):
    feed = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    actions.publish_entries(feed, ["one"])
    assert Outbox.objects.latest("id").topic == f"feeds.{feed.pk}.followers"


def test_publishing_nothing_is_nothing(feed, outbox):
    before = outbox()
    assert actions.publish_entries(feed, []) == []
    assert outbox() == before


def test_liking_twice_is_once(publish, bob, outbox):
    entry = publish()
    assert actions.like_entry(entry, by=bob).like_count == 1
    before = outbox()
    again = actions.like_entry(entry, by=bob)
    assert (again.like_count, again.liked, outbox()) == (1, True, before)


def test_unliking_takes_the_like_back_and_without_one_does_nothing(publish, bob, carol, outbox):
    entry = publish()
    actions.like_entry(entry, by=bob)
    before = outbox()
    assert actions.unlike_entry(entry, by=carol).like_count == 1
    assert outbox() == before
    seen = actions.unlike_entry(entry, by=bob)
    assert (seen.like_count, seen.liked) == (0, False)


def test_commenting_counts(publish, bob):
    entry = publish()
    comment = actions.comment_on(entry, by=bob, text="Hi")
    assert (comment.author, comment.text, Entry.objects.get().comment_count) == (bob, "Hi", 1)


def test_following_a_public_feed_is_accepted_and_twice_is_once(feed, mallory, outbox):
    assert actions.follow_feed(feed, by=mallory).state == "accepted"
    before = outbox()
    assert actions.follow_feed(feed, by=mallory).state == "accepted"
    assert outbox() == before and Feed.objects.get(pk=feed.pk).follower_count == 1


def test_following_a_feed_for_followers_is_a_request_but_for_its_owner(alice, mallory, outbox):
    feed = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    before = outbox()
    for _ in range(2):
        assert actions.follow_feed(feed, by=mallory).state == "pending"
    assert outbox()[len(before) :] == ["feeds.feed.requested", "feeds.follow.requested"]
    assert actions.follow_feed(feed, by=alice).state == "accepted"


def test_unfollowing_ends_it_and_without_a_follow_does_nothing(feed, bob, mallory, outbox):
    before = outbox()
    actions.unfollow_feed(feed, by=mallory)
    assert outbox() == before
    actions.unfollow_feed(feed, by=bob)
    assert outbox()[len(before) :] == ["feeds.feed.counted", "feeds.feed.unfollowed", "feeds.follow.ended"]
    assert not Follow.objects.exists() and Feed.objects.get(pk=feed.pk).follower_count == 0


@pytest.fixture
def club(alice, mallory):
    """A feed for followers, which mallory has asked to follow."""
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    actions.follow_feed(club, by=mallory)
    return club


def test_a_request_is_accepted_by_the_owner_and_twice_is_once(club, alice, mallory, outbox):
    before = outbox()
    for _ in range(2):
        follow = actions.accept_request(club, mallory.pk, by=alice)
        assert (follow.state, follow.version) == ("accepted", 2)
    assert outbox()[len(before) :] == ["feeds.feed.counted", "feeds.feed.followed", "feeds.follow.accepted"]
    assert Feed.objects.get(pk=club.pk).follower_count == 1


def test_a_request_that_nobody_made_cannot_be_accepted(club, alice, bob):
    with pytest.raises(Follow.DoesNotExist):
        actions.accept_request(club, bob.pk, by=alice)


def test_a_request_is_declined_once_and_may_be_made_again(club, alice, mallory, outbox):
    before = outbox()
    for _ in range(2):
        actions.decline_request(club, mallory.pk, by=alice)
    assert outbox()[len(before) :] == ["feeds.feed.unrequested", "feeds.follow.ended"]
    assert actions.follow_feed(club, by=mallory).state == "pending"


def test_a_request_is_taken_back_by_unfollowing(club, mallory, outbox):
    before = outbox()
    actions.unfollow_feed(club, by=mallory)
    assert outbox()[len(before) :] == ["feeds.feed.unrequested", "feeds.follow.ended"]
    assert not Follow.objects.exists() and Feed.objects.get(pk=club.pk).follower_count == 0


def test_declining_ends_no_follow_and_removing_ends_no_request(club, feed, alice, bob, mallory, outbox):
    before = outbox()
    actions.decline_request(feed, bob.pk, by=alice)
    actions.remove_follower(club, mallory.pk, by=alice)
    assert outbox() == before and Follow.objects.count() == 2


def test_a_follower_is_removed_by_the_owner_once(feed, alice, bob, outbox):
    before = outbox()
    for _ in range(2):
        actions.remove_follower(feed, bob.pk, by=alice)
    assert outbox()[len(before) :] == ["feeds.feed.counted", "feeds.feed.unfollowed", "feeds.follow.ended"]
    assert Feed.objects.get(pk=feed.pk).follower_count == 0


@pytest.mark.parametrize("act", [actions.accept_request, actions.decline_request, actions.remove_follower])
def test_nobody_but_the_owner_decides_who_follows(club, mallory, bob, act):
    for somebody in (mallory, bob):
        with pytest.raises(PermissionDenied):
            act(club, mallory.pk, by=somebody)
    assert Follow.objects.get(feed=club).state == "pending"


def test_following_again_after_the_feed_was_opened_accepts_what_still_waits(feed, mallory):
    Follow.objects.create(feed=feed, follower=mallory, state="pending")
    assert actions.follow_feed(feed, by=mallory).state == "accepted"
    assert Feed.objects.get(pk=feed.pk).follower_count == 1


# -- Several at once --------------------------------------------------------------------------------------------------


def at_once(works):
    errors, barrier = [], threading.Barrier(len(works))

    def run(work):
        try:
            barrier.wait(10)
            work()
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


@pytest.fixture
def people(feed):
    return [User.objects.create_user(username=f"p{number}") for number in range(8)]


@pytest.mark.django_db(transaction=True)
def test_likes_of_eight_at_once_are_counted_exactly_and_told_in_order(publish, people):
    entry = publish()
    at_once([lambda person=person: actions.like_entry(Entry.objects.get(), by=person) for person in people])
    counts = [
        row.data["entry"]["like_count"] for row in Outbox.objects.filter(type="feeds.entry.counted").order_by("id")
    ]
    assert counts == list(range(1, 9))
    at_once([lambda person=person: actions.unlike_entry(entry, by=person) for person in people])
    assert (Entry.objects.get().like_count, Entry.objects.get().version) == (0, 17)


@pytest.mark.django_db(transaction=True)
def test_one_person_who_likes_eight_times_at_once_likes_once(publish, bob):
    entry = publish()
    at_once([lambda: actions.like_entry(entry, by=bob)] * 8)
    assert (Entry.objects.get().like_count, Reaction.objects.count()) == (1, 1)
    assert Outbox.objects.filter(type="feeds.entry.liked").count() == 1
    at_once([lambda: actions.unlike_entry(entry, by=bob)] * 8)
    assert Entry.objects.get().like_count == 0
    assert Outbox.objects.filter(type="feeds.entry.unliked").count() == 1


@pytest.mark.django_db(transaction=True)
def test_follows_of_eight_at_once_are_counted_exactly(feed, people):
    at_once([lambda person=person: actions.follow_feed(Feed.objects.get(pk=feed.pk), by=person) for person in people])
    assert Feed.objects.get(pk=feed.pk).follower_count == 8
    at_once([lambda person=person: actions.unfollow_feed(feed, by=person) for person in people])
    assert Feed.objects.get(pk=feed.pk).follower_count == 0


@pytest.mark.django_db(transaction=True)
def test_likes_comments_and_edits_at_once_agree_with_the_rows(publish, people):
    entry = publish()

    def edit():
        row = Entry.objects.get()
        row.text += "!"
        row.save()

    works = [lambda person=person: actions.like_entry(entry, by=person) for person in people[:3]]
    works += [lambda person=person: actions.comment_on(entry, by=person, text="Hi") for person in people[3:6]]
    at_once([*works, edit, edit])
    row, told = (
        Entry.objects.get(),
        Outbox.objects.filter(topic=f"feeds.{entry.feed_id}", subject=f"entries/{entry.pk}"),
    )
    versions = [each.data["entry"]["version"] for each in told.order_by("id")]
    assert (row.like_count, row.comment_count, Comment.objects.count()) == (3, 3, 3)
    assert versions == sorted(set(versions)) and versions[-1] == row.version


@pytest.mark.django_db(transaction=True)
def test_an_entry_deleted_by_eight_at_once_is_deleted_once(publish):
    publish()
    at_once([lambda: Entry.objects.get().delete()] * 8)
    assert Outbox.objects.filter(type="feeds.entry.deleted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_requests_made_answered_and_taken_back_while_the_feed_is_opened_agree_with_the_count(feed, people):
    Feed.objects.filter(pk=feed.pk).update(visibility="followers")
    waiting, asking = people[:5], people[5:]
    for person in waiting:
        actions.follow_feed(Feed.objects.get(pk=feed.pk), by=person)

    def open_it():
        row = Feed.objects.get(pk=feed.pk)
        row.visibility = "public"
        row.save()

    def here():
        return Feed.objects.select_related("owner").get(pk=feed.pk)

    works = [lambda person=person: actions.follow_feed(here(), by=person) for person in asking]
    works += [lambda person=person: actions.unfollow_feed(here(), by=person) for person in waiting[:2]]
    works += [lambda person=person: actions.accept_request(here(), person.pk, by=feed.owner) for person in waiting[2:4]]
    at_once([*works, open_it])
    assert not Follow.objects.pending().exists()
    assert Feed.objects.get(pk=feed.pk).follower_count == Follow.objects.accepted().count() == 6
