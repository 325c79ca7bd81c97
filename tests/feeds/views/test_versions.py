import threading

import pytest
from django.db import connection
from rest_framework.test import APIClient

from access import keys
from access.models import User
from feeds import actions
from feeds.models import Entry
from feeds.views.versions import etag_of

ANY = ['"{0}"', "{1}", 'W/"{0}"', '"9999", {1}', "*"]
OTHERS = ['"9999"', '"x"', '"{0}0"', '""', '"9999", "8888-ab"']


@pytest.fixture
def entry(alice, publish):
    return publish("One")


def edit(client, path, text, match=None):
    headers = {} if match is None else {"If-Match": match}
    return client.patch(f"/api/v1/{path}", {"text": text}, headers=headers)


def edit_of(client, path, fields, match):
    return client.patch(f"/api/v1/{path}", fields, headers={"If-Match": match})


@pytest.mark.parametrize("match", ANY)
def test_an_edit_of_the_version_that_was_read_is_made(api, alice, entry, match):
    client, path = api(alice), f"entries/{entry.pk}/"
    seen = client.get(f"/api/v1/{path}")
    done = edit(client, path, "Two", match.format(seen.json()["version"], seen.headers["ETag"]))
    assert (done.status_code, done.json()["text"], done.json()["version"]) == (200, "Two", seen.json()["version"] + 1)
    assert done.headers["ETag"] == client.get(f"/api/v1/{path}").headers["ETag"] != seen.headers["ETag"]


@pytest.mark.parametrize("match", OTHERS)
def test_an_edit_of_another_version_is_refused_in_the_one_error_shape(api, alice, entry, match):
    client, path = api(alice), f"entries/{entry.pk}/"
    refused = edit(client, path, "Two", match.format(entry.version))
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert client.delete(f"/api/v1/{path}", headers={"If-Match": match.format(entry.version)}).status_code == 412
    assert Entry.objects.get().text == "One"


@pytest.mark.parametrize("match", ["7", "", "seven, eight", '"'])
def test_what_is_no_tag_is_400(api, alice, entry, match):
    refused = edit(api(alice), f"entries/{entry.pk}/", "Two", match)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "If-Match")


def test_of_two_edits_of_one_version_the_second_is_refused_for_every_object(api, alice, feed, entry):
    comment = actions.comment_on(entry, by=alice, text="One")
    for path, field in (
        (f"entries/{entry.pk}/", "text"),
        (f"comments/{comment.pk}/", "text"),
        (f"feeds/{feed.pk}/", "title"),
    ):
        client = api(alice)
        tag = client.get(f"/api/v1/{path}").headers["ETag"]
        answers = [
            client.patch(f"/api/v1/{path}", {field: text}, headers={"If-Match": tag}) for text in ("Two", "Three")
        ]
        assert [each.status_code for each in answers] == [200, 412]
        assert client.get(f"/api/v1/{path}").json()[field] == "Two"


def test_what_was_only_counted_since_it_was_read_refuses_no_edit(api, alice, bob, feed, entry):
    client = api(alice)
    paths = {f"entries/{entry.pk}/": "text", f"feeds/{feed.pk}/": "title"}
    tags = {path: client.get(f"/api/v1/{path}").headers["ETag"] for path in paths}
    actions.like_entry(entry, by=bob)
    actions.comment_on(entry, by=bob, text="Yes")
    actions.unfollow_feed(feed, by=bob)
    for path, field in paths.items():
        assert client.get(f"/api/v1/{path}").headers["ETag"] != tags[path]
        edits = [
            client.patch(f"/api/v1/{path}", {field: n}, headers={"If-Match": tags[path]}) for n in ("Two", "Three")
        ]
        assert [each.status_code for each in edits] == [200, 412]
    assert client.get(f"/api/v1/entries/{entry.pk}/").json()["like_count"] == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_edits_of_one_version_at_once_exactly_one_wins(entry):
    user = User.objects.get(username="alice")
    clients = [APIClient(headers={"Authorization": f"Bearer {keys.mint(user)}"}) for _ in range(8)]
    start, codes = threading.Barrier(8), []

    def run(number):
        start.wait(20)
        try:
            codes.append(
                edit(clients[number], f"entries/{entry.pk}/", f"By {number}", f'"{entry.version}"').status_code
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert sorted(codes) == [200, *[412] * 7]
    assert Entry.objects.get().version == entry.version + 1


def test_who_may_not_edit_learns_nothing_by_asking_for_a_version(api, mallory, entry):
    for match in ('"9999"', f'"{entry.version}"'):
        assert edit(api(mallory), f"entries/{entry.pk}/", "Mine", match).status_code == 403


@pytest.mark.parametrize(
    "path", ["entries/{e}/", "feeds/{f}/", "feeds/{f}/entries/", "entries/{e}/comments/", "timeline/"]
)
def test_what_has_not_changed_is_not_sent_again_but_the_cursor_is(api, bob, feed, entry, path):
    client, path = api(bob), "/api/v1/" + path.format(e=entry.pk, f=feed.pk)
    seen = client.get(path)
    again = client.get(path, headers={"If-None-Match": seen.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"") and again.headers["Tidewire-Cursor"]
    actions.like_entry(entry, by=bob)
    actions.comment_on(entry, by=bob, text="Hi")
    feed.title = "Another"
    feed.save()
    assert client.get(path, headers={"If-None-Match": seen.headers["ETag"]}).status_code == 200


def test_another_name_of_the_author_is_another_tag_of_the_same_version(api, alice, entry):
    path = f"/api/v1/entries/{entry.pk}/"
    before = api().get(path)
    alice.username = "alicia"
    alice.save()
    after = api().get(path)
    assert after.json()["version"] == before.json()["version"] and after.headers["ETag"] != before.headers["ETag"]


def test_two_who_see_the_same_differently_have_different_tags(api, alice, bob, entry):
    actions.like_entry(entry, by=bob)
    tags = {api(user).get(f"/api/v1/entries/{entry.pk}/").headers["ETag"] for user in (alice, bob)}
    assert len(tags) == 2


def test_a_tag_begins_with_the_version():
    assert etag_of({"version": 7}).startswith('"7-') and etag_of({"version": 7, "a": 1}) != etag_of({"version": 7})


def test_what_was_deleted_meanwhile_is_404(api, alice, entry, monkeypatch):
    client, path = api(alice), f"entries/{entry.pk}/"
    comment = actions.comment_on(entry, by=alice, text="Hi")
    from feeds.views import comments, entries

    found = Entry.objects.for_viewer(alice).get()
    entry.delete()
    for view in (entries.EntryDetail, comments.CommentDetail):
        monkeypatch.setattr(view, "get_object", lambda self: found if "Entry" in type(self).__name__ else comment)
    monkeypatch.setattr(comments, "readable_entry", lambda view: found)
    assert edit(client, path, "Two").status_code == 404
    assert client.delete(f"/api/v1/{path}").status_code == 404
    assert client.post(f"/api/v1/{path}comments/", {"text": "Too late"}).status_code == 404
