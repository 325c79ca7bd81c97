import pytest

from access.models import User
from feeds import actions
from feeds.models import Comment, Entry, Feed, Follow, Reaction


@pytest.fixture
def told(outbox):
    """Return what was told since this was asked last."""
    seen = [0]

    def since():
        types = outbox()
        new, seen[0] = types[seen[0] :], len(types)
        return new

    return since


@pytest.fixture
def operator(client, db):
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def entry(publish, bob):
    return actions.like_entry(publish("Hello"), by=bob)


@pytest.fixture
def send(operator):
    """Send a form of the admin; it must be taken."""

    def post(path, **fields):
        response = operator.post(f"/admin/feeds/{path}", fields)
        assert response.status_code == 302, response.context["errors"] if response.context else response.content

    return post


def test_an_entry_made_in_the_admin_is_told(send, feed, alice, told):
    told()
    send("entry/add/", feed=feed.pk, author=alice.pk, kind="post", visibility="public", text="From the office")
    assert told() == ["feeds.entry.published"]


def test_an_entry_edited_in_the_admin_is_told_and_the_rest_of_it_stays(send, entry, told):
    told()
    send(f"entry/{entry.pk}/change/", text="Moderated", visibility="followers", like_count=99)
    assert told() == ["feeds.entry.edited"]
    row = Entry.objects.get()
    assert (row.text, row.visibility, row.like_count) == ("Moderated", "public", 1)


def test_saving_an_entry_without_a_change_tells_nothing(send, entry, told):
    told()
    send(f"entry/{entry.pk}/change/", text="Hello")
    assert told() == []


def test_an_entry_deleted_in_the_admin_is_told_and_leaves_a_tombstone(send, entry, told):
    told()
    send(f"entry/{entry.pk}/delete/", post="yes")
    assert told() == ["feeds.entry.deleted"]
    assert (Entry.objects.get().text, Reaction.objects.count()) == ("", 1)


@pytest.mark.parametrize(
    ("name", "model", "types"),
    [
        ("entry", Entry, ["feeds.entry.deleted"]),
        ("comment", Comment, ["feeds.comment.deleted", "feeds.entry.counted"]),
        ("reaction", Reaction, ["feeds.entry.counted", "feeds.entry.unliked"]),
        ("follow", Follow, ["feeds.feed.counted", "feeds.feed.unfollowed", "feeds.follow.ended"]),
    ],
)
def test_delete_selected_tells_of_each(send, entry, bob, carol, told, name, model, types):
    actions.like_entry(entry, by=carol)
    for text in ("one", "two"):
        actions.comment_on(entry, by=bob, text=text)
    actions.publish_entry(entry.feed, by=entry.feed.owner, text="Another")
    told()
    chosen = list(model.objects.values_list("pk", flat=True))
    send(f"{name}/", action="delete_selected", _selected_action=chosen, post="yes")
    assert len(chosen) == 2 and told() == types * 2


def test_a_like_made_and_taken_back_in_the_admin_is_told_and_counted(send, entry, alice, told):
    told()
    send("reaction/add/", entry=entry.pk, user=alice.pk, kind="like", created_at_0="2026-01-01", created_at_1="12:00")
    assert told() == ["feeds.entry.counted", "feeds.entry.liked"]
    assert Entry.objects.get().like_count == 2
    send(f"reaction/{Reaction.objects.get(user=alice).pk}/delete/", post="yes")
    assert told() == ["feeds.entry.counted", "feeds.entry.unliked"]


def test_a_feed_edited_and_deleted_in_the_admin_is_told(send, alice, told):
    feed = Feed.objects.create(owner=alice, slug="news", title="News")
    told()
    fields = {"owner": alice.pk, "slug": "news", "description": "", "visibility": "public"}
    send(f"feed/{feed.pk}/change/", title="Old news", **fields)
    assert told() == ["feeds.feed.edited"]
    send(f"feed/{feed.pk}/delete/", post="yes")
    assert told() == ["feeds.feed.deleted"]


def test_a_request_accepted_in_the_admin_is_told_and_counted(send, feed, mallory, alice, told):
    follow = Follow.objects.create(feed=feed, follower=mallory, state="pending")
    other = Feed.objects.create(owner=alice, slug="news", title="News")
    told()
    send(f"follow/{follow.pk}/change/", state="accepted", feed=other.pk, follower=alice.pk)
    assert told() == ["feeds.feed.counted", "feeds.feed.followed", "feeds.follow.accepted"]
    assert [Feed.objects.get(pk=each.pk).follower_count for each in (feed, other)] == [1, 0]
    assert Follow.objects.get().follower == mallory


def test_a_personal_feed_keeps_its_owner_and_address_and_stays(send, operator, feed, bob, told):
    told()
    fields = {"owner": bob.pk, "slug": "other", "description": "", "visibility": "public"}
    send(f"feed/{feed.pk}/change/", title="The tide", **fields)
    row = Feed.objects.get(pk=feed.pk)
    assert (row.title, row.slug, row.owner, told()) == ("The tide", "alice", feed.owner, ["feeds.feed.edited"])
    assert operator.post(f"/admin/feeds/feed/{feed.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("action", "types", "states"),
    [
        ("accept", ["feeds.feed.counted", "feeds.feed.followed", "feeds.follow.accepted"], ["accepted", "accepted"]),
        ("decline", ["feeds.feed.unrequested", "feeds.follow.ended"], ["accepted"]),
    ],
)
def test_the_selected_requests_are_answered_and_told_and_follows_stay(
    send, feed, bob, mallory, told, action, types, states
):
    Follow.objects.create(feed=feed, follower=mallory, state="pending")
    told()
    send("follow/", action=action, _selected_action=list(Follow.objects.values_list("pk", flat=True)))
    assert told() == types
    assert list(Follow.objects.values_list("state", flat=True)) == states


def test_an_accepted_follow_is_not_made_a_request_again(send, feed, bob, told):
    told()
    send(f"follow/{Follow.objects.get().pk}/change/", state="pending")
    assert told() == [] and Follow.objects.get().state == "accepted"


@pytest.mark.parametrize("name", ["feed", "entry", "comment", "follow", "reaction"])
def test_the_lists_and_forms_open_and_can_be_searched(operator, entry, bob, name, query_count):
    actions.comment_on(entry, by=bob, text="Hi")
    pages = [f"/admin/feeds/{name}/", f"/admin/feeds/{name}/?q=alice", f"/admin/feeds/{name}/add/"]
    pages.append(f"/admin/feeds/{name}/{type_of(name).objects.first().pk}/change/")
    assert [operator.get(page).status_code for page in pages] == [200] * 4


def type_of(name):
    return {"feed": Feed, "entry": Entry, "comment": Comment, "follow": Follow, "reaction": Reaction}[name]


def test_what_was_deleted_cannot_be_written_in_the_admin(send, entry, told):
    entry.delete()
    told()
    send(f"entry/{entry.pk}/change/", text="Back again")
    assert told() == [] and Entry.objects.get().text == ""
