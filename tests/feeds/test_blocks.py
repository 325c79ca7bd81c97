"""What a block between two users means for feeds."""

import pytest

from access import actions as access
from feeds import actions
from feeds.models import Feed, Follow


@pytest.fixture
def club(alice):
    return Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")


@pytest.fixture
def call(api):
    def call(user, method, path, data=None):
        response = getattr(api(user), method)(f"/api/v1/{path}", data)
        return response.status_code, (response.json() if response.content else None)

    return call


def texts(call, user, path):
    return [each["text"] for each in call(user, "get", path)[1]["results"]]


def test_a_block_ends_follows_and_requests_both_ways_and_each_end_is_told(alice, bob, carol, club, feed, log):
    actions.follow_feed(club, by=bob)
    actions.follow_feed(bob.feeds.get(), by=alice)
    seen = len(log())
    access.block(alice, bob)
    assert [(each.follower, each.feed) for each in Follow.objects.all()] == [(carol, feed)]
    feed.refresh_from_db()
    assert feed.follower_count == 1
    told = log()[seen:]
    assert told[0] == "access.user.blocked"
    assert (told.count("feeds.feed.unfollowed"), told.count("feeds.feed.unrequested")) == (2, 1)
    access.unblock(alice, bob.pk)
    assert Follow.objects.count() == 1


@pytest.mark.parametrize("who", ["alice blocks", "bob blocks"])
def test_who_is_kept_apart_likes_comments_and_follows_nothing_of_the_other(call, alice, bob, feed, publish, who):
    entry = publish()
    actions.unfollow_feed(feed, by=bob)
    access.block(*((alice, bob) if who == "alice blocks" else (bob, alice)))
    for method, path, data in [
        ("put", f"entries/{entry.pk}/like/", None),
        ("post", f"entries/{entry.pk}/comments/", {"text": "Hi"}),
        ("put", f"feeds/{feed.pk}/follow/", None),
    ]:
        status, body = call(bob, method, path, data)
        assert (status, body["code"]) == (403, "forbidden") and "block" in body["detail"]
    assert not Follow.objects.filter(follower=bob).exists()
    entry.refresh_from_db()
    assert (entry.like_count, entry.comment_count) == (0, 0)


def test_what_was_liked_before_the_block_can_be_taken_back(call, alice, bob, publish):
    entry = actions.like_entry(publish(), by=bob)
    access.block(alice, bob)
    assert call(bob, "delete", f"entries/{entry.pk}/like/")[1]["like_count"] == 0


def test_lists_hide_the_two_from_each_other_and_from_nobody_else(call, alice, bob, carol, feed, publish):
    entry = publish("Hello")
    for user in (bob, carol):
        actions.comment_on(entry, by=user, text=f"I am {user}")
    access.block(alice, bob)
    assert texts(call, bob, f"feeds/{feed.pk}/entries/") == []
    assert texts(call, carol, f"feeds/{feed.pk}/entries/") == ["Hello"]
    assert texts(call, None, f"feeds/{feed.pk}/entries/") == ["Hello"]
    assert texts(call, alice, f"entries/{entry.pk}/comments/") == ["I am carol"]
    assert texts(call, carol, f"entries/{entry.pk}/comments/") == ["I am carol", "I am bob"]
    assert texts(call, bob, "timeline/") == []


def test_pages_hide_the_two_from_each_other(client, alice, bob, feed, publish):
    entry = publish("A word of alice")
    actions.comment_on(entry, by=bob, text="A word of bob")
    access.block(bob, alice)
    client.force_login(bob)
    for url in ("/?from=everyone", "/feeds/alice/"):
        assert b"A word of alice" not in client.get(url).content
    client.force_login(alice)
    assert b"A word of bob" not in client.get(f"/entries/{entry.pk}/").content


def test_what_anybody_may_read_is_read_at_its_own_address(call, alice, bob, publish):
    entry = publish("For all", visibility="public")
    access.block(alice, bob)
    assert call(bob, "get", f"entries/{entry.pk}/")[0] == 200


def test_what_followers_alone_may_read_ends_with_the_follow(call, alice, bob, publish):
    entry = publish("For few", visibility="followers")
    assert call(bob, "get", f"entries/{entry.pk}/")[0] == 200
    access.block(alice, bob)
    assert call(bob, "get", f"entries/{entry.pk}/")[0] == 404


def test_a_list_asks_about_blocks_without_a_query_for_each_row(api, alice, bob, feed, publish, query_count):
    client = api(bob)
    publish()
    few = query_count(lambda: client.get(f"/api/v1/feeds/{feed.pk}/entries/"))
    for _ in range(5):
        publish()
    assert query_count(lambda: client.get(f"/api/v1/feeds/{feed.pk}/entries/")) <= few
