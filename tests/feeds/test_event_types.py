import pytest
from django.contrib.auth.models import AnonymousUser

from access import audiences
from events import catalogue
from feeds import actions
from feeds.models import Feed, Follow


@pytest.fixture
def club(alice, mallory):
    """A feed for followers, which mallory has asked to follow."""
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    actions.follow_feed(club, by=mallory)
    return club


@pytest.fixture
def anonymous():
    return AnonymousUser()


def test_a_public_feed_is_read_by_all_and_its_followers_topic_by_followers_and_owner(
    feed, alice, bob, mallory, anonymous
):
    topics = {f"feeds.{feed.pk}", f"feeds.{feed.pk}.followers"}
    assert catalogue.readable(alice, topics) == topics
    assert catalogue.readable(bob, topics) == topics
    assert catalogue.readable(mallory, topics) == {f"feeds.{feed.pk}"}
    assert catalogue.readable(anonymous, topics) == {f"feeds.{feed.pk}"}


def test_a_feed_for_followers_is_read_by_accepted_followers_and_owner_alone(club, alice, bob, mallory, anonymous):
    topics = {f"feeds.{club.pk}", f"feeds.{club.pk}.followers"}
    Follow.objects.create(feed=club, follower=bob)
    assert catalogue.readable(alice, topics) == catalogue.readable(bob, topics) == topics
    assert catalogue.readable(mallory, topics) == catalogue.readable(anonymous, topics) == set()


def test_a_users_topic_is_read_by_that_user_alone(alice, mallory, anonymous):
    topic = f"users.{alice.pk}"
    assert catalogue.readable(alice, [topic]) == {topic}
    assert catalogue.readable(mallory, [topic]) == catalogue.readable(anonymous, [topic]) == set()


@pytest.mark.parametrize("id", ["0", "999", "00{pk}", "x", "-1", "9" * 30, "{pk}_0"])
def test_a_topic_that_names_no_feed_is_read_by_nobody(feed, alice, id):
    assert catalogue.readable(alice, [f"feeds.{id}".format(pk=feed.pk)]) == set()


def test_many_topics_are_judged_by_one_query_for_each_kind(feed, bob, query_count):
    many = [f"feeds.{number}{end}" for number in range(500) for end in ("", ".followers")]
    assert query_count(lambda: catalogue.readable(bob, many)) == 2


def test_home_is_what_one_follows_and_ones_own(feed, club, bob, mallory, anonymous):
    own = Feed.objects.get(slug="bob")
    expected = [f"feeds.{pk}{end}" for pk in sorted([feed.pk, own.pk]) for end in ("", ".followers")]
    assert catalogue.resolve(bob, ["home"]) == expected
    assert f"feeds.{club.pk}" not in catalogue.resolve(mallory, ["home"])
    assert catalogue.resolve(anonymous, ["home"]) == []


def test_all_of_home_may_be_read(feed, bob):
    home = catalogue.resolve(bob, ["home"])
    assert catalogue.readable(bob, home) == set(home)


def test_who_follows_a_feed_is_an_audience_and_who_is_notified_another(feed, bob, carol, mallory):
    club = Feed.objects.create(owner=feed.owner, slug="club", title="Club", visibility="followers")
    actions.follow_feed(club, by=mallory, notify=True)
    actions.follow_feed(feed, by=carol, notify=True)
    assert audiences.members(f"feeds.followers.{feed.pk}") == [bob.pk, carol.pk]
    assert audiences.members(f"feeds.followers.{feed.pk}", after=bob.pk) == [carol.pk]
    assert audiences.members(f"feeds.followers.{feed.pk}", limit=1) == [bob.pk]
    assert audiences.members(f"feeds.watchers.{feed.pk}") == [carol.pk]
    # Who only asks to follow is in neither.
    assert audiences.members(f"feeds.followers.{club.pk}") == audiences.members(f"feeds.watchers.{club.pk}") == []
