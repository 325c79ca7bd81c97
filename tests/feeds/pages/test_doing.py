import re

import pytest
from django.test import Client

from access.models import Block, Mute
from feeds import actions
from feeds.models import Comment, Dismissal, Entry, Report


@pytest.fixture
def browser():
    def make(user):
        client = Client()
        client.force_login(user)
        return client

    return make


def seen(client, path):
    """Return which edition of a text its form was filled with."""
    return re.search(r'name="seen" (?:value="([^"]*)")?', client.get(path).content.decode())[1] or ""


def test_an_author_edits_an_entry_by_the_form(browser, alice, publish):
    entry, client = publish("First"), browser(alice)
    path = f"/entries/{entry.pk}/edit/"
    assert "First" in client.get(path).content.decode()
    response = client.post(path, {"text": "Second", "seen": seen(client, path)})
    assert (response.status_code, response["Location"]) == (302, f"/entries/{entry.pk}/")
    assert Entry.objects.get(pk=entry.pk).text == "Second"


def test_an_edit_over_what_was_not_seen_is_refused_and_keeps_the_text_in_the_field(browser, alice, publish):
    entry, client = publish("First"), browser(alice)
    path = f"/entries/{entry.pk}/edit/"
    old = seen(client, path)
    client.post(path, {"text": "Second", "seen": old})
    response = client.post(path, {"text": "Third", "seen": old})
    assert response.status_code == 400
    assert "It was changed elsewhere" in response.content.decode() and "Third" in response.content.decode()
    assert Entry.objects.get(pk=entry.pk).text == "Second"


def test_a_like_in_between_does_not_hinder_an_edit(browser, alice, bob, publish):
    entry, client = publish("First"), browser(alice)
    path = f"/entries/{entry.pk}/edit/"
    old = seen(client, path)
    actions.like_entry(entry, by=bob)
    assert client.post(path, {"text": "Second", "seen": old}).status_code == 302


@pytest.mark.parametrize("text", ["", "x" * 10_001])
def test_a_bad_edit_is_told_beside_the_field(browser, alice, publish, text):
    entry = publish("First")
    response = browser(alice).post(f"/entries/{entry.pk}/edit/", {"text": text, "seen": ""})
    assert response.status_code == 400 and 'class="errorlist"' in response.content.decode()
    assert Entry.objects.get(pk=entry.pk).text == "First"


def test_nobody_edits_what_another_has_said(browser, client, publish, bob, mallory):
    entry = publish("First")
    comment = actions.comment_on(entry, by=bob, text="Well")
    for path in (f"/entries/{entry.pk}/edit/", f"/comments/{comment.pk}/edit/"):
        assert browser(mallory).post(path, {"text": "Mine", "seen": ""}).status_code == 403
        assert client.post(path, {"text": "Mine", "seen": ""})["Location"].startswith("/accounts/login/")


def test_an_author_edits_a_comment_and_comes_back_to_it(browser, publish, bob):
    comment = actions.comment_on(publish(), by=bob, text="Well")
    response = browser(bob).post(f"/comments/{comment.pk}/edit/", {"text": "Better", "seen": ""})
    assert response["Location"] == f"/entries/{comment.entry_id}/#comment-{comment.pk}"
    assert Comment.objects.get(pk=comment.pk).text == "Better"


def test_who_is_suspended_edits_nothing(browser, alice, publish):
    entry = publish("First")
    alice.suspend(reason="Spam")
    response = browser(alice).get(f"/entries/{entry.pk}/edit/")
    assert response.status_code == 403 and "Spam" in response.content.decode()


def test_answering_a_comment_by_the_form(browser, publish, bob, carol):
    comment = actions.comment_on(publish(), by=bob, text="Who knows?")
    path = f"/entries/{comment.entry_id}/"
    browser(carol).post(path, {"text": "I do", "parent": comment.pk})
    assert Comment.objects.get(text="I do").parent == comment
    page = browser(bob).get(path).content.decode()
    assert f'href="#comment-{comment.pk}">answers the comment above' in page


@pytest.mark.parametrize("parent", ["0", "x", "999999", "9" * 30])
def test_an_answer_to_what_is_not_there_is_told(browser, publish, bob, parent):
    entry = publish()
    response = browser(bob).post(f"/entries/{entry.pk}/", {"text": "I do", "parent": parent})
    assert response.status_code == 400
    assert not Comment.objects.exists()


def test_hiding_an_entry_keeps_it_out_of_ones_lists(browser, publish, bob):
    entry, client = publish("Enough of this"), browser(bob)
    page = client.post(f"/entries/{entry.pk}/hide/", {"next": "/"}, follow=True).content.decode()
    assert "Hidden from your lists." in page and "Enough of this" not in page
    assert Dismissal.objects.get().user == bob


def test_reporting_an_entry_a_comment_and_a_user(browser, publish, alice, bob, carol):
    entry = publish("Buy this")
    comment = actions.comment_on(entry, by=bob, text="And that")
    for kind, pk in (("entry", entry.pk), ("comment", comment.pk), ("user", alice.pk)):
        fields = {"reason": "spam", "text": "See for yourself", "next": "/feeds/alice/"}
        response = browser(carol).post(f"/reports/new/{kind}/{pk}/", fields)
        assert response["Location"] == "/feeds/alice/"
    assert sorted(report.kind for report in Report.objects.all()) == ["comment", "entry", "user"]


def test_a_report_without_a_reason_or_of_ones_own_is_told(browser, publish, alice, bob):
    path = f"/reports/new/entry/{publish().pk}/"
    assert browser(bob).post(path, {"reason": "dull"}).status_code == 400
    response = browser(alice).post(path, {"reason": "spam"})
    assert response.status_code == 400 and "your own" in response.content.decode()
    assert not Report.objects.exists()


def test_what_one_may_not_read_one_cannot_hide_report_or_edit(browser, publish, mallory):
    entry = publish(visibility="followers")
    client = browser(mallory)
    assert client.post(f"/entries/{entry.pk}/hide/").status_code == 404
    assert client.get(f"/reports/new/entry/{entry.pk}/").status_code == 404
    assert client.get(f"/reports/new/planet/{entry.pk}/").status_code == 404
    assert client.get(f"/entries/{entry.pk}/edit/").status_code == 404


def test_a_way_back_to_another_site_is_not_taken(browser, publish, bob):
    entry = publish()
    response = browser(bob).post(f"/entries/{entry.pk}/hide/", {"next": "//evil.example/"})
    assert response["Location"] == "/"


def test_a_feed_s_page_shows_how_to_see_less_of_its_owner_and_that_one_does(browser, feed, bob, alice):
    page = browser(bob).get("/feeds/alice/").content.decode()
    assert "Mute <bdi>alice" in page and "Block <bdi>alice" in page
    Mute.objects.create(muter=bob, muted=alice)
    Block.objects.create(blocker=bob, blocked=alice)
    page = browser(bob).get("/feeds/alice/").content.decode()
    assert "Unmute <bdi>alice" in page and "Unblock <bdi>alice" in page
