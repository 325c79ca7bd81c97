import json

import pytest
from rest_framework.test import APIClient

from feeds import actions
from feeds.models import Comment, Entry, Feed, Follow

HUGE = 10**30


@pytest.fixture
def call(api):
    """Call as a user; return the status and the body."""

    def call(user, method, path, data=None):
        response = getattr(api(user), method)(f"/api/v1/{path}", data)
        return response.status_code, (response.json() if response.content else None)

    return call


@pytest.fixture
def club(alice):
    """alice's feed for followers, with one entry."""
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    actions.publish_entry(club, by=alice, text="Inside")
    return club


def person(user):
    return {"id": user.pk, "username": user.username}


# -- Feeds ------------------------------------------------------------------------------------------------------------


def test_a_feed_has_the_fields_of_the_wire(call, feed, alice, bob):
    status, body = call(bob, "get", f"feeds/{feed.pk}/")
    assert status == 200
    assert body == {
        "id": feed.pk,
        "slug": "alice",
        "title": "alice",
        "description": "",
        "visibility": "public",
        "owner": person(alice),
        "follower_count": 1,
        "following": True,
        "requested": False,
        "notify": False,
        "version": 2,
    }


def test_feeds_are_listed_newest_first_and_found_by_their_address(call, feed, bob):
    assert [each["slug"] for each in call(None, "get", "feeds/")[1]["results"]] == ["bob", "alice"]
    assert [each["id"] for each in call(None, "get", "feeds/?slug=alice")[1]["results"]] == [feed.pk]
    assert [each["id"] for each in call(None, "get", "feeds/?slug=ALICE")[1]["results"]] == [feed.pk]
    assert call(None, "get", "feeds/?slug=nobody")[1]["results"] == []


@pytest.mark.parametrize("slug", ["%00", "a%00b", "%FF", "%F0%9F%98%80", "x" * 5000, ""])
def test_an_odd_address_is_found_nowhere_and_breaks_nothing(call, feed, slug):
    status, body = call(None, "get", f"feeds/?slug={slug}")
    assert (status, body["results"]) == (200, [])


def test_a_feed_is_made_by_whoever_is_signed_in(call, mallory):
    status, body = call(mallory, "post", "feeds/", {"slug": "news", "title": "News", "description": "All of it"})
    assert (status, body["slug"], body["owner"], body["following"]) == (201, "news", person(mallory), False)
    assert (body["visibility"], body["description"], body["version"]) == ("public", "All of it", 1)
    assert call(None, "post", "feeds/", {"slug": "x", "title": "X"})[0] == 401


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        ({"slug": "Alice", "title": "T"}, "slug", "unique"),
        ({"slug": "a b", "title": "T"}, "slug", "invalid"),
        ({"slug": "x" * 51, "title": "T"}, "slug", "max_length"),
        ({"slug": "x\0", "title": "T"}, "slug", "null_characters_not_allowed"),
        ({"title": "T"}, "slug", "required"),
        ({"slug": "x", "title": ""}, "title", "blank"),
        ({"slug": "x", "title": "T" * 201}, "title", "max_length"),
        ({"slug": "x", "title": "T", "description": "D" * 2001}, "description", "max_length"),
        ({"slug": "x", "title": "T", "visibility": "secret"}, "visibility", "invalid_choice"),
        ({"slug": "x", "title": "T", "owner": 1}, "owner", "unknown"),
        ({"slug": "x", "title": "T", "follower_count": 1}, "follower_count", "unknown"),
        ({"slug": "x", "title": {"a": 1}}, "title", "invalid"),
    ],
)
def test_what_makes_no_feed_is_named(call, alice, data, field, code):
    status, body = call(alice, "post", "feeds/", data)
    assert status == 400 and (field, code) in [(each["field"], each["code"]) for each in body["errors"]]
    assert Feed.objects.count() == 1


def test_who_loses_the_race_for_an_address_is_told_so(call, alice, bob, monkeypatch):
    monkeypatch.setattr("feeds.serializers.FeedSerializer.validate_slug", lambda self, slug: slug)
    status, body = call(alice, "post", "feeds/", {"slug": "BOB", "title": "B"})
    assert (status, body["errors"][0]["field"]) == (400, "slug")
    mine = Feed.objects.create(owner=alice, slug="mine", title="Mine")
    status, body = call(alice, "patch", f"feeds/{mine.pk}/", {"slug": "bob"})
    assert (status, body["errors"][0]["field"]) == (400, "slug")


def test_a_feed_is_edited_in_part_by_its_owner(call, feed, alice):
    status, body = call(alice, "patch", f"feeds/{feed.pk}/", {"title": "The tide"})
    assert (status, body["title"], body["slug"], body["version"]) == (200, "The tide", "alice", 2)
    assert call(alice, "patch", f"feeds/{feed.pk}/", {"slug": "alice"})[1]["version"] == 2


@pytest.mark.parametrize("data", [{}, {"nonsense": 1}, {"slug": "other"}, {"slug": "bob"}, {"title": None}])
def test_an_edit_of_a_personal_feed_that_changes_what_it_must_not_is_400(call, feed, alice, bob, data):
    assert call(alice, "patch", f"feeds/{feed.pk}/", data)[0] == 400


def test_a_feed_is_deleted_by_its_owner_but_the_personal_one_stays(call, alice, feed, club):
    assert call(alice, "delete", f"feeds/{club.pk}/") == (204, None)
    assert call(alice, "get", f"feeds/{club.pk}/")[0] == 404
    assert call(alice, "delete", f"feeds/{feed.pk}/")[0] == 400


def test_strangers_change_no_feed(call, feed, bob, mallory):
    for user, status in ((mallory, 403), (bob, 403), (None, 401)):
        assert call(user, "patch", f"feeds/{feed.pk}/", {"title": "Mine"})[0] == status
        assert call(user, "delete", f"feeds/{feed.pk}/")[0] == status


def test_that_a_feed_for_followers_exists_is_hidden_from_anonymous(call, club, mallory):
    assert call(None, "get", f"feeds/{club.pk}/")[0] == 404
    assert call(None, "get", f"feeds/{club.pk}/entries/")[0] == 404
    assert "club" not in [each["slug"] for each in call(None, "get", "feeds/")[1]["results"]]
    assert call(mallory, "get", f"feeds/{club.pk}/")[0] == 200


# -- Follows ----------------------------------------------------------------------------------------------------------


def test_following_says_so_and_twice_is_once(call, feed, mallory):
    for _ in range(2):
        assert call(mallory, "put", f"feeds/{feed.pk}/follow/") == (200, {"following": True, "state": "accepted"})
    assert call(mallory, "get", f"feeds/{feed.pk}/")[1]["following"] is True
    for _ in range(2):
        assert call(mallory, "delete", f"feeds/{feed.pk}/follow/") == (204, None)
    assert call(mallory, "get", f"feeds/{feed.pk}/")[1]["following"] is False


def test_following_a_feed_for_followers_is_pending(call, club, mallory):
    assert call(mallory, "put", f"feeds/{club.pk}/follow/") == (200, {"following": False, "state": "pending"})
    assert call(mallory, "get", f"feeds/{club.pk}/entries/")[1]["results"] == []


@pytest.mark.parametrize("data", [{"state": "accepted"}, [], [1], 0])
def test_a_follow_takes_no_body(api, feed, mallory, data):
    response = api(mallory).put(f"/api/v1/feeds/{feed.pk}/follow/", json.dumps(data), content_type="application/json")
    assert response.status_code == 400
    assert not Follow.objects.filter(follower=mallory).exists()


def test_following_needs_somebody_and_a_feed(call, feed, club, bob):
    assert call(None, "put", f"feeds/{feed.pk}/follow/")[0] == 401
    assert call(bob, "put", "feeds/999999/follow/")[0] == 404
    assert call(bob, "get", f"feeds/{feed.pk}/follow/")[0] == 405


# -- Entries ----------------------------------------------------------------------------------------------------------


def test_an_entry_has_the_fields_of_the_wire(call, feed, alice):
    status, body = call(alice, "post", f"feeds/{feed.pk}/entries/", {"text": " Hello\n"})
    entry = Entry.objects.get()
    assert status == 201
    assert body == {
        "id": entry.pk,
        "feed": feed.pk,
        "author": person(alice),
        "kind": "post",
        "text": "Hello",
        "visibility": "public",
        "mentions": [],
        "created_at": body["created_at"],
        "edited_at": None,
        "like_count": 0,
        "comment_count": 0,
        "liked": False,
        "version": 1,
    }
    assert call(alice, "get", f"entries/{entry.pk}/") == (200, body)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \n "}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": None}, "text"),
        ({"text": ["x"]}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": "a\ud800b"}, "text"),
        ({"text": "\udfff"}, "text"),
        ({"text": "x", "kind": "poll"}, "kind"),
        ({"text": "x", "kind": "\ud800"}, "kind"),
        ({"text": "x", "kind": ["post"]}, "kind"),
        ({"text": "x", "visibility": "me"}, "visibility"),
        ({"text": "x", "like_count": 5}, "like_count"),
        ({"text": "x", "author": 1}, "author"),
    ],
)
def test_what_makes_no_entry_is_named(api, feed, alice, data, field):
    response = api(alice).post(f"/api/v1/feeds/{feed.pk}/entries/", json.dumps(data), content_type="application/json")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    "text", ["😀" * 10_000, "\u202eevil", "e\u0301", "\ufffe\uffff", "a\u2028b", "</script>", "\x1b[31m", "\u200b"]
)
def test_odd_characters_are_kept_as_they_are(call, feed, alice, text):
    status, body = call(alice, "post", f"feeds/{feed.pk}/entries/", {"text": text})
    assert (status, body["text"]) == (201, text)
    assert call(None, "get", f"entries/{body['id']}/")[1]["text"] == text


def test_only_the_owner_publishes(call, feed, bob, mallory):
    for user, status in ((bob, 403), (mallory, 403), (None, 401)):
        assert call(user, "post", f"feeds/{feed.pk}/entries/", {"text": "Mine"})[0] == status
    assert not Entry.objects.exists()


def test_entries_are_listed_newest_first_without_the_deleted(call, feed, publish):
    first, gone, last = publish("1"), publish("2"), publish("3")
    gone.delete()
    status, body = call(None, "get", f"feeds/{feed.pk}/entries/")
    assert (status, [each["id"] for each in body["results"]]) == (200, [last.pk, first.pk])
    assert call(None, "get", f"entries/{gone.pk}/")[0] == 404


def test_entries_for_followers_are_read_by_followers_and_owner_alone(call, feed, publish, alice, bob, mallory):
    entry = publish(visibility="followers")
    for user, status in ((alice, 200), (bob, 200), (mallory, 404), (None, 404)):
        assert call(user, "get", f"entries/{entry.pk}/")[0] == status
        assert call(user, "get", f"entries/{entry.pk}/comments/")[0] == status
        listed = call(user, "get", f"feeds/{feed.pk}/entries/")[1]["results"]
        assert [each["id"] for each in listed] == ([entry.pk] if status == 200 else [])
    assert call(mallory, "put", f"entries/{entry.pk}/like/")[0] == 404
    assert call(mallory, "post", f"entries/{entry.pk}/comments/", {"text": "x"})[0] == 404


def test_entries_in_a_feed_for_followers_are_hidden_from_who_only_asked(call, club, bob, mallory):
    entry = club.entries.get()
    actions.follow_feed(club, by=mallory)
    Follow.objects.create(feed=club, follower=bob)
    assert [call(user, "get", f"entries/{entry.pk}/")[0] for user in (bob, mallory, None)] == [200, 404, 404]


def test_an_entry_is_edited_by_its_author(call, publish, alice, bob, mallory):
    entry = publish("Hello")
    status, body = call(alice, "patch", f"entries/{entry.pk}/", {"text": "Hello again"})
    assert (status, body["text"], body["version"], body["edited_at"] is not None) == (200, "Hello again", 2, True)
    for user, expected in ((bob, 403), (mallory, 403), (None, 401)):
        assert call(user, "patch", f"entries/{entry.pk}/", {"text": "Mine"})[0] == expected
        assert call(user, "delete", f"entries/{entry.pk}/")[0] == expected


@pytest.mark.parametrize("data", [{}, {"kind": "status"}, {"visibility": "followers"}, {"text": ""}, {"text": "a\0"}])
def test_an_edit_that_changes_what_it_must_not_is_400(call, publish, alice, data):
    assert call(alice, "patch", f"entries/{publish().pk}/", data)[0] == 400


def test_an_entry_is_replaced_by_nobody(call, publish, alice):
    assert call(alice, "put", f"entries/{publish().pk}/", {"text": "x"})[0] == 405


def test_an_entry_is_deleted_by_its_author_and_by_the_owner_of_the_feed(call, feed, publish, alice, bob):
    entry = publish()
    assert call(alice, "delete", f"entries/{entry.pk}/") == (204, None)
    assert call(alice, "delete", f"entries/{entry.pk}/")[0] == 404
    guest = Entry.objects.create(feed=feed, author=bob, text="As a guest")
    assert call(alice, "patch", f"entries/{guest.pk}/", {"text": "Other words"})[0] == 403
    assert call(alice, "delete", f"entries/{guest.pk}/")[0] == 204


# -- Who follows ------------------------------------------------------------------------------------------------------


def test_who_asks_to_follow_sees_that_the_request_waits(call, club, mallory):
    for _ in range(2):
        assert call(mallory, "put", f"feeds/{club.pk}/follow/") == (200, {"following": False, "state": "pending"})
    body = call(mallory, "get", f"feeds/{club.pk}/")[1]
    assert (body["following"], body["requested"], body["follower_count"]) == (False, True, 0)
    assert call(mallory, "delete", f"feeds/{club.pk}/follow/") == (204, None)
    assert call(mallory, "get", f"feeds/{club.pk}/")[1]["requested"] is False
    assert not Follow.objects.exists()


def test_the_owner_sees_the_requests_and_accepts_one(call, club, alice, bob, mallory):
    asked = [actions.follow_feed(club, by=person) for person in (bob, mallory)]
    status, body = call(alice, "get", f"feeds/{club.pk}/requests/")
    assert (status, [each["id"] for each in body["results"]]) == (200, [each.pk for each in reversed(asked)])
    assert body["results"][0] == {
        "id": asked[1].pk,
        "feed": club.pk,
        "follower": person(mallory),
        "state": "pending",
        "created_at": body["results"][0]["created_at"],
        "version": 1,
    }
    for _ in range(2):
        status, accepted = call(alice, "put", f"feeds/{club.pk}/requests/{mallory.pk}/")
        assert (status, accepted) == (200, body["results"][0] | {"state": "accepted", "version": 2})
    assert [each["follower"] for each in call(alice, "get", f"feeds/{club.pk}/requests/")[1]["results"]] == [
        person(bob)
    ]
    assert call(alice, "get", f"feeds/{club.pk}/followers/")[1]["results"] == [accepted]
    assert call(mallory, "get", f"feeds/{club.pk}/")[1]["following"] is True
    assert len(call(mallory, "get", f"feeds/{club.pk}/entries/")[1]["results"]) == 1


def test_the_owner_declines_a_request_and_removes_a_follower(call, club, alice, bob, mallory):
    actions.follow_feed(club, by=mallory)
    actions.follow_feed(club, by=bob)
    actions.accept_request(club, bob.pk, by=alice)
    for _ in range(2):
        assert call(alice, "delete", f"feeds/{club.pk}/requests/{mallory.pk}/") == (204, None)
    assert call(mallory, "get", f"feeds/{club.pk}/")[1]["requested"] is False
    for _ in range(2):
        assert call(alice, "delete", f"feeds/{club.pk}/followers/{bob.pk}/") == (204, None)
    assert call(bob, "get", f"feeds/{club.pk}/entries/")[1]["results"] == []
    assert call(alice, "get", f"feeds/{club.pk}/")[1]["follower_count"] == 0


@pytest.mark.parametrize("state", ["requests", "followers"])
def test_nobody_but_the_owner_sees_or_decides_who_follows(call, club, bob, mallory, state):
    actions.follow_feed(club, by=mallory)
    paths = [("get", state), ("delete", f"{state}/{mallory.pk}"), ("put", f"requests/{mallory.pk}")]
    for user, status in ((bob, 403), (mallory, 403)):
        assert [call(user, method, f"feeds/{club.pk}/{path}/")[0] for method, path in paths] == [status] * 3
    assert {call(None, method, f"feeds/{club.pk}/{path}/")[0] for method, path in paths} == {401}
    assert club.follows.get().state == "pending"


@pytest.mark.parametrize("id", [0, 999_999_999, HUGE, "x", "-1"])
def test_a_request_of_nobody_is_not_found_and_ends_as_it_is(call, club, alice, id):
    assert call(alice, "put", f"feeds/{club.pk}/requests/{id}/")[0] == 404
    expected = 404 if id in ("x", "-1") else 204
    assert call(alice, "delete", f"feeds/{club.pk}/requests/{id}/")[0] == expected
    assert call(alice, "delete", f"feeds/{club.pk}/followers/{id}/")[0] == expected
    assert call(alice, "get", f"feeds/{id}/requests/")[0] == 404


def test_accepting_takes_no_fields(call, club, alice, mallory):
    actions.follow_feed(club, by=mallory)
    assert call(alice, "put", f"feeds/{club.pk}/requests/{mallory.pk}/", {"state": "accepted"})[0] == 400


def test_followers_come_in_pages_of_few_queries(api, feed, alice, bob, carol, query_count):
    client = api(alice)
    first = client.get(f"/api/v1/feeds/{feed.pk}/followers/?page_size=1").json()
    second = client.get(first["next"]).json()
    names = [page["results"][0]["follower"]["username"] for page in (first, second)]
    assert (names, second["next"]) == (["carol", "bob"], None)
    one = query_count(lambda: client.get(f"/api/v1/feeds/{feed.pk}/followers/?page_size=1"))
    assert query_count(lambda: client.get(f"/api/v1/feeds/{feed.pk}/followers/")) == one


def test_opening_a_feed_lets_in_who_has_asked(call, club, alice, mallory):
    actions.follow_feed(club, by=mallory)
    assert call(alice, "patch", f"feeds/{club.pk}/", {"visibility": "public"})[1]["follower_count"] == 1
    body = call(mallory, "get", f"feeds/{club.pk}/")[1]
    assert (body["following"], body["requested"]) == (True, False)
    assert call(alice, "patch", f"feeds/{club.pk}/", {"visibility": "followers"})[0] == 200
    assert call(mallory, "get", f"feeds/{club.pk}/")[1]["following"] is True


# -- Likes ------------------------------------------------------------------------------------------------------------


def test_a_like_answers_with_the_entry_and_twice_is_once(call, publish, bob, mallory):
    entry = publish()
    for _ in range(2):
        status, body = call(bob, "put", f"entries/{entry.pk}/like/")
        assert (status, body["id"], body["like_count"], body["liked"]) == (200, entry.pk, 1, True)
    assert call(mallory, "get", f"entries/{entry.pk}/")[1]["liked"] is False
    for _ in range(2):
        status, body = call(bob, "delete", f"entries/{entry.pk}/like/")
        assert (status, body["like_count"], body["liked"]) == (200, 0, False)


def test_a_like_needs_somebody_an_entry_and_no_body(call, publish, bob):
    entry = publish()
    assert call(None, "put", f"entries/{entry.pk}/like/")[0] == 401
    assert call(bob, "put", f"entries/{entry.pk}/like/", {"kind": "heart"})[0] == 400
    entry.delete()
    assert call(bob, "put", f"entries/{entry.pk}/like/")[0] == 404
    assert call(bob, "delete", f"entries/{entry.pk}/like/")[0] == 404


# -- Comments ---------------------------------------------------------------------------------------------------------


def test_a_comment_has_the_fields_of_the_wire(call, publish, bob):
    entry = publish()
    status, body = call(bob, "post", f"entries/{entry.pk}/comments/", {"text": "Hi"})
    assert status == 201
    assert body == {
        "id": Comment.objects.get().pk,
        "entry": entry.pk,
        "author": person(bob),
        "parent": None,
        "parent_author": None,
        "text": "Hi",
        "mentions": [],
        "created_at": body["created_at"],
        "edited_at": None,
        "version": 1,
    }
    assert call(None, "get", f"comments/{body['id']}/") == (200, body)
    assert call(None, "get", f"entries/{entry.pk}/comments/")[1]["results"] == [body]
    assert call(None, "get", f"entries/{entry.pk}/")[1]["comment_count"] == 1


@pytest.mark.parametrize("data", [{}, {"text": ""}, {"text": "x" * 2001}, {"text": "a\0"}, {"text": "x", "entry": 1}])
def test_what_makes_no_comment_is_400(call, publish, bob, data):
    assert call(bob, "post", f"entries/{publish().pk}/comments/", data)[0] == 400
    assert not Comment.objects.exists()


def test_a_comment_is_edited_by_its_author_and_deleted_by_the_feeds_owner_too(call, publish, alice, bob, mallory):
    entry = publish()
    first, second = (actions.comment_on(entry, by=bob, text=text) for text in ("1", "2"))
    assert call(bob, "patch", f"comments/{first.pk}/", {"text": "One"})[1]["version"] == 2
    for user, status in ((alice, 403), (mallory, 403), (None, 401)):
        assert call(user, "patch", f"comments/{first.pk}/", {"text": "Mine"})[0] == status
    assert call(mallory, "delete", f"comments/{first.pk}/")[0] == 403
    assert call(bob, "delete", f"comments/{first.pk}/")[0] == 204
    assert call(alice, "delete", f"comments/{second.pk}/")[0] == 204
    assert call(bob, "get", f"comments/{first.pk}/")[0] == 404


def test_comments_go_with_their_entry(call, publish, alice, bob):
    entry = publish()
    comment = actions.comment_on(entry, by=bob, text="Hi")
    entry.delete()
    assert call(bob, "get", f"comments/{comment.pk}/")[0] == 404
    assert call(bob, "post", f"entries/{entry.pk}/comments/", {"text": "Late"})[0] == 404


# -- The timeline -----------------------------------------------------------------------------------------------------


def test_the_timeline_is_what_one_follows_and_ones_own(call, publish, alice, bob, mallory):
    public, inner = publish("public"), publish("inner", visibility="followers")
    own = actions.publish_entry(Feed.objects.get(slug="bob"), by=bob, text="own")
    assert [each["id"] for each in call(bob, "get", "timeline/")[1]["results"]] == [own.pk, inner.pk, public.pk]
    assert call(mallory, "get", "timeline/")[1]["results"] == []
    assert call(None, "get", "timeline/")[0] == 401


# -- What holds everywhere --------------------------------------------------------------------------------------------

PATHS = [
    ("feeds/{}/", "get patch delete"),
    ("feeds/{}/follow/", "put delete"),
    ("feeds/{}/entries/", "get post"),
    ("entries/{}/", "get patch delete"),
    ("entries/{}/like/", "put delete"),
    ("entries/{}/comments/", "get post"),
    ("comments/{}/", "get patch delete"),
]


@pytest.mark.parametrize(("path", "methods"), PATHS)
@pytest.mark.parametrize("id", [0, 999_999_999, HUGE, "9" * 5000, "-1", "x", "٣"])
def test_what_is_not_there_is_404_however_odd_its_id(call, alice, path, methods, id):
    for method in methods.split():
        data = {"text": "x"} if method in ("post", "patch") else None
        assert call(alice, method, path.format(id), data)[0] == 404


@pytest.mark.parametrize("path", ["feeds/", "feeds/{feed}/entries/", "entries/{entry}/comments/", "timeline/"])
def test_the_number_of_queries_does_not_grow_with_the_list(api, feed, alice, bob, path, query_count):
    entry = actions.publish_entries(feed, "a")[0]
    actions.comment_on(entry, by=bob, text="Hi")
    client, url = api(bob), "/api/v1/" + path.format(feed=feed.pk, entry=entry.pk)
    client.get(url)
    few = query_count(lambda: client.get(url))
    actions.publish_entries(feed, [str(number) for number in range(20)])
    for number in range(10):
        actions.comment_on(entry, by=alice, text=str(number))
        Feed.objects.create(owner=alice, slug=f"feed{number}", title=str(number))
    assert query_count(lambda: client.get(url)) == few <= 8


@pytest.mark.parametrize(
    "path",
    ["feeds/", "feeds/{feed}/", "feeds/{feed}/entries/", "entries/{entry}/", "entries/{entry}/comments/", "timeline/"],
)
def test_every_read_says_from_where_on_to_subscribe_and_repeats_nothing(api, feed, publish, bob, log, path):
    url, client = "/api/v1/" + path.format(feed=feed.pk, entry=publish().pk), api(bob)
    log()
    first = client.get(url)
    assert first.headers["Tidewire-Cursor"].count("-") == 1
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Tidewire-Cursor"] == first.headers["Tidewire-Cursor"]


def test_a_read_after_a_change_is_no_longer_304(api, publish, bob):
    client, entry = api(bob), publish()
    etag = client.get(f"/api/v1/entries/{entry.pk}/").headers["ETag"]
    actions.like_entry(entry, by=bob)
    assert client.get(f"/api/v1/entries/{entry.pk}/", headers={"If-None-Match": etag}).status_code == 200


def test_writes_carry_no_cursor(api, publish, bob):
    assert "Tidewire-Cursor" not in api(bob).put(f"/api/v1/entries/{publish().pk}/like/").headers


def test_an_invalid_body_is_400_on_every_path_that_takes_one(feed, publish, alice, api):
    client, entry = api(alice), publish()
    for method, path in [
        ("post", "feeds/"),
        ("patch", f"feeds/{feed.pk}/"),
        ("put", f"feeds/{feed.pk}/follow/"),
        ("post", f"feeds/{feed.pk}/entries/"),
        ("patch", f"entries/{entry.pk}/"),
        ("put", f"entries/{entry.pk}/like/"),
        ("post", f"entries/{entry.pk}/comments/"),
    ]:
        for body in ("{", "[]", "null", '"x"', "1", '{"\\ud800": 1}'):
            response = getattr(client, method)(f"/api/v1/{path}", body, content_type="application/json")
            assert (path, body, response.status_code) == (path, body, 400)


def test_a_session_works_as_a_key_does(alice, feed):
    client = APIClient()
    client.force_login(alice)
    assert client.post(f"/api/v1/feeds/{feed.pk}/entries/", {"text": "Hi"}).status_code == 201


# -- To be notified of a feed -----------------------------------------------------------------------------------------


def test_a_follower_says_whether_to_be_notified_and_it_stays_until_said_otherwise(call, feed, mallory, log):
    path = f"feeds/{feed.pk}/"
    for data, notify in (({"notify": True}, True), ({}, True), ({"notify": False}, False), ({"notify": False}, False)):
        assert call(mallory, "put", f"{path}follow/", data)[0] == 200
        assert call(mallory, "get", path)[1]["notify"] is notify
    assert [name for name in log() if "watched" in name] == ["feeds.feed.watched", "feeds.feed.unwatched"]
    assert call(mallory, "put", f"{path}follow/", {"notify": "loud"})[1]["errors"][0]["field"] == "notify"
