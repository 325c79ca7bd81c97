import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError

from access import actions as access
from access.models import User
from events.models import Outbox
from feeds import actions, moderation
from feeds.models import Comment, Entry, Feed, Report

HUGE = 10**30


@pytest.fixture
def call(api):
    def call(user, method, path, data=None):
        response = getattr(api(user), method)(f"/api/v1/{path}", data, format="json")
        return response.status_code, (response.json() if response.content else None)

    return call


@pytest.fixture
def mod(db):
    """A moderator."""
    mod = User.objects.create_user(username="mod", is_staff=True)
    mod.groups.add(Group.objects.get(name="Moderators"))
    return User.objects.get(pk=mod.pk)


@pytest.fixture
def said(publish, bob):
    """alice's entry, and bob's comment on it."""
    entry = publish("Buy this")
    return {"entry": entry, "comment": actions.comment_on(entry, by=bob, text="And this")}


def object_of(thing):
    return {"type": thing._meta.model_name, "id": thing.pk}


# -- Reports ------------------------------------------------------------------------------------------------------


def test_moderators_may_by_their_group(mod, alice):
    held = Permission.objects.filter(group__name="Moderators").values_list("codename", flat=True)
    assert {"moderate", "suspend_user", "view_report"} <= set(held)
    assert mod.has_perm("feeds.moderate") and not alice.has_perm("feeds.moderate")


@pytest.mark.parametrize("kind", ["entry", "comment", "feed", "user"])
def test_each_kind_of_object_is_reported_once_while_the_report_is_open(call, mod, alice, carol, feed, said, kind):
    thing = {**said, "feed": feed, "user": alice}[kind]
    data = {"object": object_of(thing), "reason": "spam", "text": "See?"}
    status, body = call(carol, "post", "reports/", data)
    assert (status, body["object"], body["state"], body["text"]) == (201, data["object"], "open", "See?")
    assert call(carol, "post", "reports/", data | {"reason": "abuse"}) == (200, body)
    assert call(carol, "get", "reports/")[1]["results"] == [body]
    assert call(alice, "get", "reports/")[1]["results"] == []
    assert call(mod, "patch", f"moderation/reports/{body['id']}/", {"state": "rejected"})[0] == 200
    assert call(carol, "post", "reports/", data)[0] == 201
    told = list(Outbox.objects.filter(type__startswith="feeds.report.").order_by("id").values_list("type", "topic"))
    assert told == [(f"feeds.report.{verb}", f"users.{carol.pk}") for verb in ("opened", "closed", "opened")]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "object"),
        ({"object": {"type": "planet", "id": 1}, "reason": "spam"}, "object.type"),
        ({"object": {"type": "entry", "id": "x"}, "reason": "spam"}, "object.id"),
        ({"object": {"type": "entry", "id": HUGE}, "reason": "spam"}, "object.id"),
        ({"object": {"type": "entry"}, "reason": "spam"}, "object.id"),
        ({"object": 7, "reason": "spam"}, "object"),
        ({"object": {"type": "entry", "id": 1}, "reason": "dull"}, "reason"),
        ({"object": {"type": "entry", "id": 1}, "reason": "spam", "text": "x" * 1001}, "text"),
        ({"object": {"type": "entry", "id": 1}, "reason": "spam", "state": "upheld"}, "state"),
    ],
)
def test_what_makes_no_report_is_named(call, carol, data, field):
    status, body = call(carol, "post", "reports/", data)
    assert status == 400 and field in [each["field"] for each in body["errors"]]


def test_what_one_may_not_see_or_owns_is_not_reported(call, alice, mallory, publish, settings):
    secret = publish("For few", visibility="followers")
    data = {"object": object_of(secret), "reason": "spam"}
    assert call(mallory, "post", "reports/", data)[0] == 404
    assert call(alice, "post", "reports/", data)[1]["errors"][0]["code"] == "own"
    assert call(None, "post", "reports/", data)[0] == 401
    settings.TIDEWIRE_USER_MAX_OPEN_REPORTS = 1
    for status in (201, 400):
        assert call(mallory, "post", "reports/", {"object": object_of(publish()), "reason": "spam"})[0] == status


def test_the_queue_is_for_moderators_alone(call, mod, alice, carol, said):
    report, _ = moderation.report("entry", said["entry"], by=carol, reason="spam")
    for user, status in ((alice, 403), (carol, 403), (None, 401)):
        for method, path, data in [
            ("get", "moderation/reports/", None),
            ("patch", f"moderation/reports/{report.pk}/", {"state": "upheld"}),
            ("put", f"moderation/entries/{said['entry'].pk}/", {"reason": "No"}),
            ("delete", f"moderation/comments/{said['comment'].pk}/", None),
        ]:
            assert call(user, method, path, data)[0] == status
    [shown] = call(mod, "get", "moderation/reports/")[1]["results"]
    assert (shown["said"], shown["reporter"]["username"], shown["hidden"]) == ("Buy this", "carol", False)
    assert call(mod, "get", "moderation/reports/?state=odd")[0] == 400


def test_a_report_is_decided_once(call, mod, carol, said):
    report, _ = moderation.report("entry", said["entry"], by=carol, reason="spam")
    path = f"moderation/reports/{report.pk}/"
    assert call(mod, "patch", path, {"state": "open"})[0] == 400
    status, body = call(mod, "patch", path, {"state": "rejected", "note": "It is fine."})
    assert (status, body["state"], body["note"], body["closed_by"]["username"]) == (
        200,
        "rejected",
        "It is fine.",
        "mod",
    )
    assert call(mod, "patch", path, {"state": "upheld"})[1]["errors"][0]["code"] == "decided"
    assert call(mod, "get", "moderation/reports/")[1]["results"] == []
    assert len(call(mod, "get", "moderation/reports/?state=rejected")[1]["results"]) == 1


def test_the_queue_costs_the_same_however_long_it_is(api, mod, carol, said, publish, query_count):
    client = api(mod)
    moderation.report("entry", said["entry"], by=carol, reason="spam")
    client.get("/api/v1/moderation/reports/")
    few = query_count(lambda: client.get("/api/v1/moderation/reports/"))
    for thing in (said["comment"], publish(), publish()):
        moderation.report(thing._meta.model_name, thing, by=carol, reason="spam")
    assert query_count(lambda: client.get("/api/v1/moderation/reports/")) == few


# -- Hiding -------------------------------------------------------------------------------------------------------


def places(call, client, user, feed, entry):
    """Return where the entry is still to be seen."""
    found = {
        path: call(user, "get", path)[1]
        for path in (f"feeds/{feed.pk}/entries/", f"entries/{entry.pk}/", f"entries/{entry.pk}/comments/", "timeline/")
    }
    return [path for path, body in found.items() if body.get("results") or "text" in body]


def test_a_hidden_entry_is_nowhere_and_comes_back_whole(call, client, mod, alice, bob, carol, feed, said):
    entry = said["entry"]
    assert len(places(call, client, bob, feed, entry)) == 4
    moderation.report("entry", entry, by=carol, reason="spam")
    status, body = call(mod, "put", f"moderation/entries/{entry.pk}/", {"reason": "Spam"})
    assert (status, body["reason"]) == (200, "Spam")
    for user in (alice, bob):
        assert places(call, client, user, feed, entry) == []
        client.force_login(user)
        for url in ("/", "/?from=everyone", "/feeds/alice/"):
            assert b"Buy this" not in client.get(url).content
        assert client.get(f"/entries/{entry.pk}/").status_code == 404
    for method, path, data in [
        ("put", f"entries/{entry.pk}/like/", None),
        ("post", f"entries/{entry.pk}/comments/", {"text": "Hi"}),
        ("patch", f"comments/{said['comment'].pk}/", {"text": "Hi"}),
    ]:
        assert call(bob, method, path, data)[0] == 404
    assert Report.objects.get().state == "upheld"
    assert call(mod, "delete", f"moderation/entries/{entry.pk}/") == (204, None)
    assert len(places(call, client, bob, feed, entry)) == 4
    hidden, restored = Outbox.objects.filter(type__regex=r"entry\.(hidden|restored)").order_by("id")
    assert hidden.topic == restored.topic == f"feeds.{feed.pk}"
    assert set(hidden.data["entry"]) == {"id", "hidden_at", "version"}
    assert (restored.data["entry"]["text"], restored.data["entry"]["version"]) == (
        "Buy this",
        hidden.data["entry"]["version"] + 1,
    )


def test_hiding_twice_is_once_and_what_was_deleted_is_not_hidden(call, mod, said):
    path = f"moderation/comments/{said['comment'].pk}/"
    first = call(mod, "put", path, {"reason": "Spam"})
    assert call(mod, "put", path, {"reason": "Other"}) == first
    assert call(mod, "delete", path)[0] == call(mod, "delete", path)[0] == 204
    assert Outbox.objects.filter(type="feeds.comment.hidden").count() == 1
    assert Outbox.objects.filter(type="feeds.comment.restored").count() == 1
    said["comment"].delete()
    assert call(mod, "put", path, {"reason": "Spam"})[0] == 404
    for wrong in ({}, {"reason": ""}, {"reason": "x" * 501}, {"reason": "x", "y": 1}):
        assert call(mod, "put", path, wrong)[0] == 400
    assert call(mod, "put", f"moderation/entries/{HUGE}/", {"reason": "x"})[0] == 404


def test_an_author_cannot_bring_back_by_an_edit_what_is_hidden(said, mod):
    entry = Entry.objects.get()
    moderation.hide(Entry.objects.get(), by=mod, reason="Spam")
    entry.text = "Buy that"
    entry.save()
    assert Entry.objects.get().text == "Buy this"


# -- Dismissed and muted ------------------------------------------------------------------------------------------


def test_what_one_dismisses_is_in_none_of_ones_lists_and_is_there_for_others(call, bob, carol, feed, said):
    entry = said["entry"]
    for _ in range(2):
        assert call(bob, "put", f"entries/{entry.pk}/dismiss/") == (200, {"dismissed": True})
    for path in (f"feeds/{feed.pk}/entries/", "timeline/"):
        assert call(bob, "get", path)[1]["results"] == []
        assert len(call(carol, "get", path)[1]["results"]) == 1
    assert call(bob, "get", f"entries/{entry.pk}/")[0] == 200
    assert [each["id"] for each in call(bob, "get", "entries/dismissed/")[1]["results"]] == [entry.pk]
    for _ in range(2):
        assert call(bob, "delete", f"entries/{entry.pk}/dismiss/") == (204, None)
    assert len(call(bob, "get", "timeline/")[1]["results"]) == 1
    assert call(bob, "get", "entries/dismissed/")[1]["results"] == []
    assert Outbox.objects.filter(topic=f"users.{bob.pk}", type__contains="entry.").count() == 2


def test_what_is_muted_is_not_at_home_and_everywhere_else(call, alice, bob, feed, said):
    from events import catalogue

    home = {f"feeds.{feed.pk}", f"feeds.{feed.pk}.followers"}
    for mute, unmute in [
        (lambda: call(bob, "put", f"feeds/{feed.pk}/follow/", {"muted": True}), {"muted": False}),
        (lambda: access.mute(bob, alice), None),
    ]:
        mute()
        assert call(bob, "get", "timeline/")[1]["results"] == []
        assert len(call(bob, "get", f"feeds/{feed.pk}/entries/")[1]["results"]) == 1
        if unmute:
            assert call(bob, "get", f"feeds/{feed.pk}/")[1]["muted"] is True
            assert not home & set(catalogue.resolve(bob, ["home"]))
            call(bob, "put", f"feeds/{feed.pk}/follow/", unmute)
        else:
            access.unmute(bob, alice.pk)
        assert len(call(bob, "get", "timeline/")[1]["results"]) == 1
        assert home <= set(catalogue.resolve(bob, ["home"]))


# -- Suspended ----------------------------------------------------------------------------------------------------


def test_a_suspended_user_reads_and_writes_nothing(call, client, mod, bob, feed, said):
    status, body = call(mod, "put", f"access/suspensions/{bob.pk}/", {"reason": "Spam"})
    assert (status, body["reason"], body["until"]) == (200, "Spam", None)
    bob = User.objects.get(pk=bob.pk)
    own = bob.feeds.get()
    for method, path, data in [
        ("post", f"feeds/{own.pk}/entries/", {"text": "Hi"}),
        ("put", f"entries/{said['entry'].pk}/like/", None),
        ("post", f"entries/{said['entry'].pk}/comments/", {"text": "Hi"}),
        ("patch", f"comments/{said['comment'].pk}/", {"text": "Hi"}),
        ("post", "feeds/", {"slug": "new", "title": "New"}),
        ("post", "reports/", {"object": object_of(feed), "reason": "spam"}),
        ("post", "webhooks/endpoints/", {"url": "https://example.org/"}),
        ("post", "events/", {"type": "a.b.c", "topic": "x", "data": {}}),
    ]:
        status, body = call(bob, method, path, data)
        assert (status, body["code"]) == (403, "forbidden"), path
        assert "suspended" in body["detail"]
    for path in ("timeline/", f"entries/{said['entry'].pk}/", "notifications/"):
        assert call(bob, "get", path)[0] == 200
    assert call(bob, "put", f"access/mutes/{mod.pk}/")[0] == 200
    client.force_login(bob)
    assert client.post("/", {"text": "Hi"}).status_code == 403
    assert client.post(f"/api/v1/feeds/{own.pk}/entries/", {"text": "Hi"}, "application/json").status_code == 403
    assert not Entry.objects.filter(author=bob).exists()
    assert call(mod, "delete", f"access/suspensions/{bob.pk}/")[0] == 204
    assert call(bob, "post", f"feeds/{own.pk}/entries/", {"text": "Hi"})[0] == 201
    told = Outbox.objects.filter(type__contains="suspended").values_list("type", "topic")
    assert list(told) == [(f"access.user.{verb}", f"users.{bob.pk}") for verb in ("suspended", "unsuspended")]


def test_a_suspension_ends_by_the_clock(bob):
    from datetime import timedelta

    from django.utils import timezone

    bob.suspend(reason="Spam", until=timezone.now() + timedelta(hours=1))
    assert bob.is_suspended
    bob.suspended_until = timezone.now()
    assert not bob.is_suspended


def test_who_may_not_suspend_is_refused(call, mod, alice, bob):
    admin = User.objects.create_superuser(username="root")
    for user, status in ((alice, 403), (None, 401)):
        for method in ("get", "put", "delete"):
            assert call(user, method, f"access/suspensions/{bob.pk}/", {"reason": "x"})[0] == status
    assert call(mod, "put", f"access/suspensions/{admin.pk}/", {"reason": "x"})[0] == 403
    assert call(mod, "put", f"access/suspensions/{mod.pk}/", {"reason": "x"})[0] == 400
    assert call(admin, "put", f"access/suspensions/{mod.pk}/", {"reason": "x"})[0] == 200
    assert call(admin, "put", f"access/suspensions/{HUGE}/", {"reason": "x"})[0] == 404
    assert call(admin, "get", f"access/suspensions/{bob.pk}/")[0] == 404
    for wrong in ({}, {"reason": ""}, {"reason": "x", "until": "2001-01-01T00:00:00Z"}):
        assert call(admin, "put", f"access/suspensions/{bob.pk}/", wrong)[0] == 400


# -- Admin --------------------------------------------------------------------------------------------------------


def test_moderators_work_in_the_admin(client, mod, carol, bob, said):
    report, _ = moderation.report("entry", said["entry"], by=carol, reason="spam")
    client.force_login(mod)
    assert b"Buy this" in client.get("/admin/feeds/report/").content
    run = {"_selected_action": [report.pk], "action": "hide"}
    assert b"1 hidden" in client.post("/admin/feeds/report/", run, follow=True).content
    assert Entry.objects.get().hidden_reason == "Spam"
    run = {"_selected_action": [said["entry"].pk], "action": "restore"}
    assert b"1 shown again" in client.post("/admin/feeds/entry/", run, follow=True).content
    run = {"_selected_action": [said["comment"].pk], "action": "hide"}
    assert b"1 hidden" in client.post("/admin/feeds/comment/", run, follow=True).content
    assert Entry.objects.get().hidden_at is None and Comment.objects.get().hidden_by == mod


def test_users_are_suspended_in_the_admin(admin_client, admin_user, bob):
    run = {"_selected_action": [bob.pk, admin_user.pk], "action": "suspend"}
    page = admin_client.post("/admin/access/user/", run, follow=True).content
    assert b"1 suspended" in page and b"cannot suspend yourself" in page
    bob.refresh_from_db()
    assert bob.is_suspended
    admin_client.post("/admin/access/user/", run | {"action": "end_suspension"}, follow=True)
    bob.refresh_from_db()
    assert not bob.is_suspended


def test_a_report_is_on_one_object(alice, bob, feed):
    from django.db import IntegrityError, transaction

    for fields in ({}, {"feed": feed, "user": alice}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Report.objects.create(reporter=bob, reason="spam", **fields)
    with pytest.raises(ValidationError):
        moderation.report("user", bob, by=bob, reason="spam")
    assert Feed.objects.exists()
