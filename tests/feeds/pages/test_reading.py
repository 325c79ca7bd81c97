import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from access.models import User
from feeds import actions
from feeds.models import Comment, Entry, Feed, Follow, Reaction


@pytest.fixture
def sign_in():
    def make(user, **options):
        client = Client(**options)
        client.force_login(user)
        return client

    return make


def test_the_front_page_shows_public_entries_to_strangers(client, publish):
    publish("For everyone")
    publish("For few", visibility="followers")
    page = client.get("/").content.decode()
    assert "For everyone" in page
    assert "For few" not in page


def test_home_shows_the_feeds_one_follows_and_ones_own(sign_in, bob, mallory, publish):
    publish("From alice")
    assert "From alice" in sign_in(bob).get("/").content.decode()
    assert "From alice" not in sign_in(mallory).get("/").content.decode()


def test_the_page_says_where_it_is_live_and_from_where_on(sign_in, bob, publish, flow):
    publish()
    flow()
    page = sign_in(bob).get("/").content.decode()
    assert re.search(r'data-cursor="[a-z0-9]+-[1-9][0-9]*"', page)
    assert 'data-topics="home,me"' in page


def test_publishing_by_the_form_makes_an_entry_and_goes_back(sign_in, alice, outbox):
    response = sign_in(alice).post("/", {"text": "By the form"})
    entry = Entry.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/#entry-{entry.pk}")
    assert "feeds.entry.published" in outbox()


def test_an_empty_entry_is_told_beside_the_field_and_makes_nothing(sign_in, alice):
    response = sign_in(alice).post("/", {"text": "  ", "visibility": "public"})
    assert response.status_code == 400
    assert "This field is required" in response.content.decode()
    assert not Entry.objects.exists()


def test_too_long_a_text_is_kept_in_the_field(sign_in, alice):
    response = sign_in(alice).post("/", {"text": "x" * 10_001})
    assert "x" * 10_001 in response.content.decode()
    assert not Entry.objects.exists()


def test_a_stranger_is_asked_to_sign_in_to_publish(client, feed):
    assert client.post("/", {"text": "x"})["Location"].startswith("/accounts/login/")
    assert not Entry.objects.exists()


def test_nobody_publishes_in_anothers_feed(sign_in, mallory, feed):
    assert sign_in(mallory).post("/feeds/alice/", {"text": "x"}).status_code == 403
    assert not Entry.objects.exists()


def test_a_form_without_its_token_is_refused(sign_in, alice):
    assert sign_in(alice, enforce_csrf_checks=True).post("/", {"text": "x"}).status_code == 403


def test_liking_and_taking_it_back_by_forms(sign_in, bob, publish):
    entry, client = publish(), sign_in(bob)
    for _ in range(2):
        client.post(f"/entries/{entry.pk}/like/", {"liked": "1"})
    assert Reaction.objects.count() == 1
    client.post(f"/entries/{entry.pk}/like/", {"liked": "0"})
    assert not Reaction.objects.exists()


def test_commenting_by_the_form(sign_in, bob, publish):
    entry = publish()
    response = sign_in(bob).post(f"/entries/{entry.pk}/", {"text": "Well said"})
    comment = Comment.objects.get()
    assert response["Location"] == f"/entries/{entry.pk}/#comment-{comment.pk}"
    assert "Well said" in sign_in(bob).get(f"/entries/{entry.pk}/").content.decode()


def test_following_and_leaving_by_forms(sign_in, mallory, feed):
    client = sign_in(mallory)
    client.post("/feeds/alice/follow/", {"following": "1"})
    assert Follow.objects.filter(feed=feed, follower=mallory).exists()
    client.post("/feeds/alice/follow/", {"following": "0"})
    assert not Follow.objects.filter(feed=feed, follower=mallory).exists()


def test_only_its_author_deletes_an_entry(sign_in, alice, bob, publish):
    entry = publish()
    assert sign_in(bob).post(f"/entries/{entry.pk}/delete/").status_code == 403
    assert Entry.objects.alive().exists()
    sign_in(alice).post(f"/entries/{entry.pk}/delete/")
    assert not Entry.objects.alive().exists()


def test_what_is_for_followers_is_not_there_for_mallory(sign_in, bob, mallory, publish):
    entry = publish("For few", visibility="followers")
    assert sign_in(bob).get(f"/entries/{entry.pk}/").status_code == 200
    assert sign_in(mallory).get(f"/entries/{entry.pk}/").status_code == 404
    assert sign_in(mallory).post(f"/entries/{entry.pk}/like/", {"liked": "1"}).status_code == 404


def test_what_people_write_is_text(sign_in, bob, publish):
    publish("<script>alert(1)</script>")
    page = sign_in(bob).get("/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_older_entries_are_a_link_away(sign_in, bob, feed):
    actions.publish_entries(feed, [f"Number {number}" for number in range(25)])
    client = sign_in(bob)
    first = client.get("/").content.decode()
    older = re.search(r'href="(\?before=\d+)" rel="next"', first)[1]
    second = client.get(f"/{older}").content.decode()
    assert "Number 24<" in first
    assert "Number 4<" in second
    assert "Number 5<" not in second


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "\u0661"])
def test_a_bad_page_is_the_first_page(sign_in, bob, publish, before):
    publish("Here")
    assert "Here" in sign_in(bob).get("/", {"before": before}).content.decode()


def test_a_list_of_many_asks_the_database_no_more_than_a_list_of_one(sign_in, bob, feed, query_count):
    client = sign_in(bob)
    actions.publish_entries(feed, ["one"])
    client.get("/")
    few = query_count(lambda: client.get("/"))
    actions.publish_entries(feed, ["more"] * 15)
    assert query_count(lambda: client.get("/")) == few


@pytest.mark.parametrize("path", ["/", "/feeds/alice/", "/notifications/", "/accounts/login/", "/accounts/signup/"])
def test_every_page_has_the_strict_policy(sign_in, alice, path):
    response = sign_in(alice).get(path)
    policy = response["Content-Security-Policy"]
    assert response.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_no_template_has_anything_inline():
    for path in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text), path
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), path


def test_a_page_that_is_not_there_says_so(client, db):
    response = client.get("/entries/999/")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_a_followers_only_feed_asks_for_approval(sign_in, alice, mallory):
    feed = Feed.objects.create(owner=alice, slug="inner", title="Inner", visibility="followers")
    sign_in(mallory).post("/feeds/inner/follow/", {"following": "1"})
    assert Follow.objects.get(feed=feed).state == "pending"


@pytest.fixture
def club(alice, bob, mallory):
    """A feed for followers: bob follows it, mallory has asked to."""
    club = Feed.objects.create(owner=alice, slug="club", title="Club", visibility="followers")
    for somebody in (bob, mallory):
        actions.follow_feed(club, by=somebody)
    actions.accept_request(club, bob.pk, by=alice)
    return club


def test_the_owner_sees_who_asks_and_who_follows_and_nobody_else_does(sign_in, client, club, alice, bob, mallory):
    page = sign_in(alice).get("/feeds/club/").content.decode()
    assert all(word in page for word in ("Requests to follow", "Accept", "Decline", "mallory", "Remove", "bob"))
    for other in (sign_in(bob), sign_in(mallory)):
        assert 'id="follows"' not in other.get("/feeds/club/").content.decode()
    assert client.get("/feeds/club/").status_code == 404


def test_who_has_asked_can_take_it_back_on_the_page(sign_in, club, mallory):
    assert "Asked: take it back" in sign_in(mallory).get("/feeds/club/").content.decode()
    sign_in(mallory).post("/feeds/club/follow/", {"following": "0"})
    assert "Ask to follow" in sign_in(mallory).get("/feeds/club/").content.decode()


@pytest.mark.parametrize(
    ("answer", "who", "left"),
    [
        ("accept", "mallory", {"bob": "accepted", "mallory": "accepted"}),
        ("decline", "mallory", {"bob": "accepted"}),
        ("remove", "bob", {"mallory": "pending"}),
        ("decline", "bob", {"bob": "accepted", "mallory": "pending"}),
        ("accept", "carol", {"bob": "accepted", "mallory": "pending"}),
        ("nonsense", "mallory", {"bob": "accepted", "mallory": "pending"}),
    ],
)
def test_the_owner_answers_by_forms(sign_in, club, alice, carol, answer, who, left):
    user = User.objects.get(username=who)
    response = sign_in(alice).post(f"/feeds/club/followers/{user.pk}/", {"answer": answer})
    assert response.status_code == 302 and response["Location"].startswith("/feeds/club/")
    assert dict(club.follows.values_list("follower__username", "state")) == left


def test_nobody_answers_for_the_owner(sign_in, client, club, bob, mallory):
    path = f"/feeds/club/followers/{mallory.pk}/"
    assert [sign_in(user).post(path, {"answer": "accept"}).status_code for user in (bob, mallory)] == [403, 403]
    assert client.post(path, {"answer": "accept"})["Location"].startswith("/accounts/login/")
    assert sign_in(mallory).get(path).status_code == 405
    assert club.follows.get(follower=mallory).state == "pending"


def test_earlier_followers_are_a_link_away(sign_in, feed, alice):
    for number in range(22):
        actions.follow_feed(feed, by=User.objects.create_user(f"p{number}"))
    first = sign_in(alice).get("/feeds/alice/").content.decode()
    earlier = re.search(r'href="(\?followers_before=\d+)#follows" rel="next"', first)[1]
    second = sign_in(alice).get(f"/feeds/alice/{earlier}").content.decode()
    assert "/feeds/p21/" in first and "/feeds/p1/" not in first
    assert "/feeds/p1/" in second and "Newest followers" in second
