import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.models import User
from events import log
from events.models import Event
from webhooks import actions, message
from webhooks.admin import bounds, deliveries
from webhooks.models import Attempt, Delivery, Endpoint, Replay

ENDPOINTS, DELIVERIES = reverse("admin:webhooks_endpoint_changelist"), reverse("admin:webhooks_delivery_changelist")
ATTEMPTS, REPLAYS = reverse("admin:webhooks_attempt_changelist"), reverse("admin:webhooks_replay_changelist")
ADD = reverse("admin:webhooks_endpoint_add")
FORM = {
    "url": "https://example.com/hook",
    "description": "",
    "event_types": "*",
    "topics": "feeds.*",
    "content_filter": "{}",
    "content_type": "application/json",
    "signature": "v1",
    "ordering": "parallel",
    "rate_per_second": "",
    "max_in_flight": "",
    "enabled": "on",
}


@pytest.fixture
def operator(db, client):
    """A client that is signed in as a superuser."""
    client.force_login(User.objects.create_superuser(username="operator"))
    return client


def test_an_operator_makes_an_endpoint_that_has_a_secret_and_stands_at_the_head(operator, alice):
    assert operator.post(ADD, FORM | {"owner": alice.pk}).status_code == 302
    made = Endpoint.objects.get()
    assert made.secret.startswith("whsec_")
    assert (made.owner, made.topics, made.created_position) == (alice, ["feeds.*"], log.head().position)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("url", "http://169.254.169.254/", "metadata"),
        ("url", "", "required"),
        ("event_types", "feeds.*.x", "not a type"),
        ("topics", "*.x", "not a topic"),
        ("content_filter", '{"a": {"like": 1}}', "like"),
        ("content_filter", "{", "valid JSON"),
        ("signature", "v9", "not one of the available choices"),
        ("rate_per_second", "0", "greater than or equal to 1"),
        ("max_in_flight", "9999", "less than or equal to 64"),
    ],
)
def test_what_the_api_refuses_is_refused_here(operator, alice, field, value, reason):
    page = operator.post(ADD, FORM | {"owner": alice.pk, field: value})
    assert reason in str(page.context["adminform"].form.errors[field])
    assert not Endpoint.objects.exists()


def test_an_operator_changes_an_endpoint_but_neither_its_owner_nor_its_secret(operator, alice, mallory, endpoint):
    made = endpoint(alice)
    change = reverse("admin:webhooks_endpoint_change", args=[made.pk])
    assert made.secret not in operator.get(change).content.decode()
    assert operator.post(change, FORM | {"owner": mallory.pk, "topics": "users.*"}).status_code == 302
    after = Endpoint.objects.get()
    assert (after.owner, after.topics, after.secret) == (alice, ["users.*"], made.secret)


def test_switching_on_clears_the_reason(operator, alice, endpoint):
    made = endpoint(alice)
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    operator.post(reverse("admin:webhooks_endpoint_change", args=[made.pk]), FORM)
    assert Endpoint.objects.get().disabled_reason == ""


def test_an_endpoint_with_deliveries_can_be_deleted(operator, alice, endpoint, deliver):
    made = endpoint(alice)
    deliver("ding")
    operator.post(reverse("admin:webhooks_endpoint_delete", args=[made.pk]), {"post": "yes"})
    assert not Endpoint.objects.exists()


def resend(client, *deliveries):
    data = {"action": "resend", "_selected_action": [delivery.pk for delivery in deliveries]}
    return client.post(DELIVERIES, data, follow=True)


def test_deliveries_are_sent_again(operator, alice, endpoint, deliver):
    endpoint(alice)
    first, second = deliver("a", "b")
    Delivery.objects.update(status="exhausted", next_attempt_at=None)
    assert "2 are due now." in resend(operator, first, second).content.decode()
    assert Delivery.objects.filter(status="pending").count() == 2


def test_a_delivery_is_shown_with_its_tries_and_cannot_be_made_or_deleted(operator, alice, endpoint, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    Attempt.objects.create(
        delivery=delivery, number=1, started_at=delivery.created_at, duration_ms=5, response_body="<script>no</script>"
    )
    page = operator.get(reverse("admin:webhooks_delivery_change", args=[delivery.pk])).content.decode()
    assert "&lt;script&gt;no" in page
    assert operator.get(reverse("admin:webhooks_delivery_add")).status_code == 403
    assert operator.get(reverse("admin:webhooks_delivery_delete", args=[delivery.pk])).status_code == 403


def test_deliveries_are_found_by_event_and_type_and_a_strange_search_finds_none(operator, alice, endpoint, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    for term, count in [(str(delivery.event_id), 1), ("tests.bell.rang", 1), ("strange", 0)]:
        page = operator.get(DELIVERIES, {"q": term})
        assert (page.status_code, len(page.context["cl"].result_list)) == (200, count)


@pytest.mark.parametrize("path", [ENDPOINTS, DELIVERIES, ATTEMPTS, REPLAYS, ADD])
def test_alice_is_sent_to_sign_in_and_staff_without_permission_is_refused(client, alice, path):
    client.force_login(alice)
    assert client.get(path).status_code == 302
    client.force_login(User.objects.create_user(username="staff", is_staff=True))
    assert client.get(path).status_code == 403


def test_staff_that_may_only_look_sends_nothing_again(client, alice, endpoint, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    Delivery.objects.update(status="exhausted", next_attempt_at=None)
    staff = User.objects.create_user(username="staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="view_delivery"))
    client.force_login(staff)
    resend(client, delivery)
    assert Delivery.objects.get().status == "exhausted"


def act(client, path, action, *rows):
    return client.post(path, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


def ids(page):
    return [row.pk for row in page.context["cl"].result_list]


def test_endpoints_are_paused_switched_on_and_given_new_keys_together(operator, alice, endpoint):
    made = [endpoint(alice), endpoint(alice, url="https://example.com/other")]
    act(operator, ENDPOINTS, "pause", *made)
    assert set(Endpoint.objects.values_list("enabled", "disabled_reason")) == {(False, "")}
    Endpoint.objects.update(disabled_reason="The receiver answered 410 Gone.")
    act(operator, ENDPOINTS, "switch_on", *made)
    assert set(Endpoint.objects.values_list("enabled", "disabled_reason")) == {(True, "")}
    page = act(operator, ENDPOINTS, "rotate", *made).content.decode()
    after = Endpoint.objects.order_by("pk")
    assert all(new.secret != old.secret and new.secret not in page for new, old in zip(after, made, strict=True))


def test_an_endpoints_state_is_in_the_list_and_leads_to_its_deliveries(operator, alice, endpoint):
    made = endpoint(alice)
    Endpoint.objects.update(failing_since=timezone.now())
    page = operator.get(ENDPOINTS).content.decode()
    assert "failing" in page and f"{DELIVERIES}?endpoint={made.pk}" in page


def test_neither_a_secret_nor_a_header_of_the_owners_is_anywhere(operator, alice, endpoint):
    made = endpoint(alice, headers={"X-Token": "very-secret"})
    pages = [operator.get(ENDPOINTS), operator.get(reverse("admin:webhooks_endpoint_change", args=[made.pk]))]
    for page in pages:
        assert not any(
            secret in page.content.decode() for secret in (made.secret, made.encrypted_secret, "very-secret")
        )


def test_an_operator_who_changes_an_endpoint_keeps_its_headers(operator, alice, endpoint):
    made = endpoint(alice, headers={"X-Token": "very-secret"})
    operator.post(reverse("admin:webhooks_endpoint_change", args=[made.pk]), FORM | {"description": "new"})
    assert (Endpoint.objects.get().description, Endpoint.objects.get().headers) == ("new", {"X-Token": "very-secret"})


def test_a_change_of_something_else_leaves_what_is_known_of_failures(operator, alice, endpoint):
    made = endpoint(alice)
    Endpoint.objects.update(failing_since=timezone.now(), failures_in_row=7)
    operator.post(reverse("admin:webhooks_endpoint_change", args=[made.pk]), FORM | {"description": "new"})
    assert Endpoint.objects.values_list("description", "failures_in_row").get() == ("new", 7)


def test_one_endpoint_too_many_is_told_and_not_made(operator, alice, endpoint, settings):
    settings.TIDEWIRE_USER_MAX_ENDPOINTS = 1
    endpoint(alice)
    page = operator.post(ADD, FORM | {"owner": alice.pk})
    assert "that is the limit" in page.content.decode()
    assert Endpoint.objects.count() == 1


def test_deliveries_are_filtered_by_status_and_endpoint(operator, alice, endpoint, deliver):
    first, second = endpoint(alice), endpoint(alice, url="https://example.com/other")
    deliver("a", "b")
    done = Delivery.objects.filter(endpoint=first).first()
    Delivery.objects.filter(pk=done.pk).update(status="succeeded")
    assert ids(operator.get(DELIVERIES, {"status": "succeeded"})) == [done.pk]
    assert ids(operator.get(DELIVERIES, {"status": "succeeded", "endpoint": second.pk})) == []
    assert len(ids(operator.get(DELIVERIES, {"endpoint": second.pk}))) == 2
    assert ids(operator.get(DELIVERIES, {"endpoint": "x"})) == []


def test_a_search_or_a_status_of_all_endpoints_looks_among_the_newest_alone(
    operator, alice, endpoint, deliver, monkeypatch
):
    made = endpoint(alice)
    old, new = deliver("a", "b")
    monkeypatch.setattr(bounds, "REACH", 1)
    assert ids(operator.get(DELIVERIES, {"status": "pending"})) == [new.pk]
    assert ids(operator.get(DELIVERIES, {"q": "tests.bell.rang"})) == [new.pk]
    assert ids(operator.get(DELIVERIES, {"status": "pending", "endpoint": made.pk})) == [new.pk, old.pk]
    assert ids(operator.get(DELIVERIES, {"q": str(old.event_id)})) == [old.pk]


@pytest.mark.parametrize("path", [DELIVERIES, ATTEMPTS, REPLAYS])
def test_no_list_counts_all_there_is(operator, alice, endpoint, deliver, path, monkeypatch):
    monkeypatch.setattr(bounds, "COUNTED", 1)
    endpoint(alice)
    for delivery in deliver("a", "b"):
        Attempt.objects.create(delivery=delivery, number=1, started_at=timezone.now(), duration_ms=5)
    with CaptureQueriesContext(connection) as captured:
        page = operator.get(path)
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"] and "webhooks_" in query["sql"]]
    assert page.status_code == 200 and all("LIMIT 1" in sql for sql in counts), counts


def test_a_page_of_many_deliveries_asks_no_more_than_one_of_few(operator, alice, endpoint, deliver, query_count):
    endpoint(alice)
    deliver("a")
    few = query_count(lambda: operator.get(DELIVERIES))
    deliver(*"bcdefg")
    assert query_count(lambda: operator.get(DELIVERIES)) == few


def test_of_many_endpoints_none_is_offered_as_a_filter(operator, alice, endpoint, deliver, monkeypatch):
    monkeypatch.setattr(deliveries, "ENDPOINTS_TO_CHOOSE", 1)
    first, second = endpoint(alice), endpoint(alice, url="https://example.com/other")
    deliver("a")
    link = f"?endpoint={first.pk}"
    assert link not in operator.get(DELIVERIES).content.decode()
    assert "https://example.com/other" in operator.get(DELIVERIES, {"endpoint": second.pk}).content.decode()


def test_an_attempt_is_shown_with_what_was_signed_and_as_a_command(operator, alice, endpoint, deliver):
    made = endpoint(alice)
    [delivery] = deliver("ding")
    body = message.body_of(Event.objects.get(position=delivery.position), "e")
    headers = message.headers(made, str(delivery.event_id), body, 1, timezone.now())
    fields = {"started_at": timezone.now(), "duration_ms": 5, "url": made.url, "request_headers": headers}
    for number in range(1, 25):
        Attempt.objects.create(delivery=delivery, number=number, status_code=500, **fields)
    page = operator.get(reverse("admin:webhooks_delivery_change", args=[delivery.pk])).content.decode()
    assert f"{delivery.event_id}.{headers['webhook-timestamp']}.{{" in page
    assert "curl --globoff" in page and f"POST {made.url}" in page
    assert page.count("curl --globoff") == deliveries.ATTEMPTS


def test_what_cannot_be_sent_again_is_told(operator, alice, endpoint, deliver):
    endpoint(alice)
    [delivery] = deliver("ding")
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    page = resend(operator, delivery).content.decode()
    assert "0 are due now." in page and "1 are not: The endpoint is switched off" in page


def test_deliveries_that_wait_are_cancelled_and_others_stay(operator, alice, endpoint, deliver):
    endpoint(alice)
    waits, done = deliver("a", "b")
    Delivery.objects.filter(pk=done.pk).update(status="succeeded")
    assert "1 are cancelled." in act(operator, DELIVERIES, "cancel", waits, done).content.decode()
    assert set(Delivery.objects.values_list("status", flat=True)) == {"cancelled", "succeeded"}


def test_replays_are_seen_with_their_progress_and_cancelled(operator, alice, endpoint, deliver):
    made = endpoint(alice)
    deliver("ding")
    replay = actions.start_replay(made, by=alice, only="all", after=0)
    Replay.objects.update(after=0, position=1, upto=4)
    assert "25%" in operator.get(REPLAYS).content.decode()
    assert "1 are cancelled" in act(operator, REPLAYS, "cancel", replay).content.decode()
    assert Replay.objects.get().status == "cancelled"
    assert "0 are cancelled" in act(operator, REPLAYS, "cancel", replay).content.decode()


def test_the_lists_of_deliveries_say_what_they_are_live_on(operator, alice, endpoint, deliver):
    made = endpoint(alice)
    [delivery] = deliver("ding")
    assert 'data-topic="operations"' in operator.get(DELIVERIES).content.decode()
    page = operator.get(reverse("admin:webhooks_delivery_change", args=[delivery.pk])).content.decode()
    assert f'data-topic="webhooks.{made.pk}"' in page


@pytest.mark.parametrize("path", [ATTEMPTS, REPLAYS])
def test_attempts_and_replays_are_not_made_or_deleted_here(operator, path):
    assert operator.get(f"{path}add/").status_code == 403
    assert "delete_selected" not in operator.get(path).content.decode()
