import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.pages import rows
from events import log, subscribers
from events.models import Event, Outbox
from webhooks import message, replays
from webhooks.models import Attempt, Delivery, Endpoint, Replay

URL = "https://example.com/hook"
FORM = {
    "url": URL,
    "description": "Stock",
    "event_types": "feeds.entry.*\r\n\r\n tests.* ",
    "topics": "",
    "filter": "",
    "headers": "",
    "content_type": "application/cloudevents+json",
    "signature": "v1",
    "ordering": "parallel",
    "rate_per_second": "",
    "max_in_flight": "",
}
NEW = reverse("endpoint-new-page")
OF_ENDPOINT = ["endpoint-page", "endpoint-change-page", "endpoint-secret-page", "replays-page"]
DOES = [
    "endpoint-change-page",
    "endpoint-rotate-page",
    "endpoint-pause-page",
    "endpoint-resume-page",
    "endpoint-test-page",
    "endpoint-delete-page",
    "replays-page",
]


@pytest.fixture
def sign_in():
    def make(user, **options):
        client = Client(**options)
        client.force_login(user)
        return client

    return make


@pytest.fixture
def made(endpoint, alice):
    return endpoint(alice, url=URL)


@pytest.fixture
def tried(made, deliver):
    """A delivery to alice's endpoint with a try that failed."""
    [delivery] = deliver("ding")
    event = Event.objects.get(position=delivery.position)
    body = message.body_of(event, "e")
    Attempt.objects.create(
        delivery=delivery,
        number=1,
        url=URL,
        started_at=timezone.now(),
        duration_ms=17,
        status_code=500,
        error="The receiver answered 500.",
        request_headers=message.headers(made, str(delivery.event_id), body, 1, timezone.now()),
        response_headers={"x-trace": "abc"},
        response_body="<script>no</script>",
    )
    Delivery.objects.filter(pk=delivery.pk).update(attempts=1, last_status_code=500, reason="It answered 500.")
    return Delivery.objects.get(pk=delivery.pk)


def text(response):
    """Return what a page says."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode()))


def at(name, row):
    return reverse(name, args=[row.pk])


# -- Endpoints --------------------------------------------------------------------------------------------------------


def test_ones_endpoints_are_shown_and_nobody_elses(sign_in, alice, mallory, made):
    assert URL in text(sign_in(alice).get("/webhooks/"))
    strange = text(sign_in(mallory).get("/webhooks/"))
    assert URL not in strange and "No endpoint yet" in strange


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "On Events are sent as they happen."),
        ({"enabled": False}, "Paused"),
        ({"enabled": False, "disabled_reason": "The receiver answered 410 Gone."}, "Switched off The receiver"),
        ({"failing_since": timezone.now(), "failures_in_row": 7}, "7 attempts in a row failed"),
        ({"postponed_until": timezone.now() + timedelta(days=1)}, "Postponed"),
        ({"postponed_until": timezone.now() - timedelta(minutes=5)}, "On Events are sent"),
    ],
)
def test_an_endpoints_state_is_said_in_words(sign_in, alice, made, fields, words):
    Endpoint.objects.update(**fields)
    for path in ("/webhooks/", at("endpoint-page", made)):
        assert words in text(sign_in(alice).get(path))


def test_an_endpoint_is_made_by_the_form(sign_in, alice):
    response = sign_in(alice).post(NEW, FORM | {"headers": "X-Token: abc\nX-Other: a: b", "max_in_flight": "4"})
    endpoint = Endpoint.objects.get()
    assert (response.status_code, response["Location"]) == (302, at("endpoint-page", endpoint))
    assert (endpoint.owner, endpoint.url, endpoint.description) == (alice, URL, "Stock")
    assert (endpoint.event_types, endpoint.topics) == (["feeds.entry.*", "tests.*"], ["*"])
    assert (endpoint.headers, endpoint.max_in_flight) == ({"X-Token": "abc", "X-Other": "a: b"}, 4)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "", "This field is required."),
        ("url", "ftp://example.com/", "http"),
        ("url", "http://169.254.169.254/", "metadata"),
        ("url", "https://example.com/" + "x" * 2000, "at most 2000"),
        ("description", "x" * 501, "at most 500"),
        ("event_types", "feeds.*.x", "not a type"),
        ("event_types", "\n".join(["a.b"] * 101), "no more than 100"),
        ("topics", "home", "is an alias"),
        ("topics", "*.x", "not a topic"),
        ("filter", "{", "not JSON"),
        ("filter", "[" * 20_000, "not JSON"),
        ("filter", "[1]", "filter"),
        ("headers", "no colon", "write Name: value"),
        ("headers", "A: b\nA: c", "there twice"),
        ("headers", "Host: x", "not yours to set"),
        ("content_type", "text/plain", "not one of the available choices"),
        ("signature", "v9", "not one of the available choices"),
        ("ordering", "by chance", "not one of the available choices"),
        ("rate_per_second", "many", "whole number"),
        ("rate_per_second", "0", "greater than or equal to 1"),
        ("max_in_flight", "9999", "less than or equal to 64"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_made(sign_in, alice, field, value, words):
    response = sign_in(alice).post(NEW, FORM | {field: value})
    assert response.status_code == 400
    assert words in " ".join(response.context["form"].errors[field]), response.context["form"].errors
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Endpoint.objects.exists()


def test_all_that_is_wrong_is_told_at_once(sign_in, alice):
    response = sign_in(alice).post(
        NEW, FORM | {"url": "ftp://x/", "filter": "{", "rate_per_second": "x", "topics": "home"}
    )
    assert set(response.context["form"].errors) == {"url", "filter", "rate_per_second", "topics"}


def test_who_has_as_many_endpoints_as_may_be_is_told_so(sign_in, alice, made, settings):
    settings.TIDEWIRE_USER_MAX_ENDPOINTS = 1
    response = sign_in(alice).post(NEW, FORM)
    assert response.status_code == 400 and "that is the limit" in text(response)


def test_an_endpoint_is_changed_by_the_form_and_keeps_what_is_not_shown(sign_in, alice, endpoint):
    made = endpoint(alice, url=URL, headers={"X-Token": "very-secret"})
    page = sign_in(alice).get(at("endpoint-change-page", made)).content.decode()
    assert "X-Token: ***" in page and "very-secret" not in page and made.secret not in page
    fields = FORM | {"url": "https://example.com/new", "headers": "X-Token: ***", "filter": '{"sound": "a"}'}
    assert sign_in(alice).post(at("endpoint-change-page", made), fields).status_code == 302
    after = Endpoint.objects.get()
    assert (after.url, after.content_filter) == ("https://example.com/new", {"sound": "a"})
    assert (after.headers, after.secret) == ({"X-Token": "very-secret"}, made.secret)


def test_a_change_that_is_refused_changes_nothing(sign_in, alice, made):
    response = sign_in(alice).post(at("endpoint-change-page", made), FORM | {"topics": "home", "description": "new"})
    assert response.status_code == 400
    assert Endpoint.objects.get().description == ""


def test_pausing_keeps_what_waits_and_resuming_sends_it(sign_in, alice, made, deliver, wakes):
    client = sign_in(alice)
    assert "Paused" in text(client.post(at("endpoint-pause-page", made), follow=True))
    deliver("ding")
    Endpoint.objects.update(disabled_reason="")
    assert (Endpoint.objects.get().enabled, Delivery.objects.get().status) == (False, "pending")
    assert "On Events are sent" in text(client.post(at("endpoint-resume-page", made), follow=True))


def test_switching_on_again_clears_the_reason(sign_in, alice, made):
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    assert "Switch on again" in text(sign_in(alice).get(at("endpoint-page", made)))
    sign_in(alice).post(at("endpoint-resume-page", made))
    assert Endpoint.objects.values_list("enabled", "disabled_reason").get() == (True, "")


def test_a_test_event_is_recorded(sign_in, alice, made):
    page = text(sign_in(alice).post(at("endpoint-test-page", made), follow=True))
    assert "A test event is on its way." in page
    assert Outbox.objects.filter(type="webhooks.endpoint.tested").count() == 1


def test_no_test_goes_to_a_paused_endpoint_or_too_often(sign_in, alice, made, settings):
    settings.TIDEWIRE_ENDPOINT_TESTS_PER_MINUTE = 1
    Endpoint.objects.update(enabled=False)
    assert "It is paused." in text(sign_in(alice).post(at("endpoint-test-page", made), follow=True))
    Endpoint.objects.update(enabled=True)
    assert "too often" in text(sign_in(alice).post(at("endpoint-test-page", made), follow=True))
    assert not Outbox.objects.filter(type="webhooks.endpoint.tested").exists()


def test_the_secret_is_shown_on_its_own_page_and_kept_by_nobody(sign_in, alice, made):
    client = sign_in(alice)
    assert made.secret not in client.get(at("endpoint-page", made)).content.decode()
    page = client.get(at("endpoint-secret-page", made))
    assert made.secret in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_with_v1a_the_public_key_is_shown_and_nothing_that_signs(sign_in, alice, endpoint):
    made = endpoint(alice, url=URL, signature="v1a")
    page = sign_in(alice).get(at("endpoint-secret-page", made)).content.decode()
    assert "whpk_" in page
    assert made.private_key not in page and made.secret not in page


def test_a_secret_that_cannot_be_read_any_more_can_be_rotated(sign_in, alice, made, settings):
    client = sign_in(alice)
    Endpoint.objects.update(encrypted_secret="nonsense")
    assert "cannot be read any more" in text(client.get(at("endpoint-secret-page", made)))
    client.post(at("endpoint-rotate-page", made), {"overlap_hours": "0"})
    assert "whsec_" in text(client.get(at("endpoint-secret-page", made)))


def test_rotating_gives_a_new_secret_beside_which_the_old_one_signs_on(sign_in, alice, made):
    page = sign_in(alice).post(at("endpoint-rotate-page", made), {"overlap_hours": "1"}, follow=True)
    after = Endpoint.objects.get()
    assert after.secret != made.secret and after.secret in page.content.decode()
    assert "An earlier one still signs" in text(page)
    assert after.signing_keys(timezone.now()) == [after.secret, made.secret]


@pytest.mark.parametrize("overlap", ["", "x", "-1", "9999"])
def test_a_strange_overlap_rotates_nothing(sign_in, alice, made, overlap):
    page = sign_in(alice).post(at("endpoint-rotate-page", made), {"overlap_hours": overlap}, follow=True)
    assert "Choose for how long" in text(page)
    assert Endpoint.objects.get().secret == made.secret


def test_an_endpoint_is_deleted_with_its_deliveries(sign_in, alice, tried):
    page = sign_in(alice).post(at("endpoint-delete-page", tried.endpoint), follow=True)
    assert "The endpoint is deleted." in text(page)
    assert not Endpoint.objects.exists() and not Delivery.objects.exists()


# -- Deliveries -------------------------------------------------------------------------------------------------------


def test_deliveries_are_listed_by_status_with_counts(sign_in, alice, made, deliver, monkeypatch):
    monkeypatch.setattr(rows, "COUNTED", 2)
    deliveries = deliver(*"abcd")
    Delivery.objects.filter(pk=deliveries[0].pk).update(status="exhausted")
    client = sign_in(alice)
    page = client.get(at("endpoint-page", made))
    assert "Pending 2+" in text(page) and "Exhausted 1" in text(page)
    shown = client.get(at("endpoint-page", made), {"status": "exhausted"}).context["rows"]
    assert [row.pk for row in shown] == [deliveries[0].pk]
    assert len(client.get(at("endpoint-page", made), {"status": "strange"}).context["rows"]) == 4


def test_what_succeeded_is_counted_among_the_newest_alone(sign_in, alice, made, deliver, monkeypatch):
    deliver(*"abc")
    Delivery.objects.update(status="succeeded")
    assert "Succeeded 3" in text(sign_in(alice).get(at("endpoint-page", made)))
    monkeypatch.setattr(rows, "COUNTED", 2)
    assert "Succeeded 2+" in text(sign_in(alice).get(at("endpoint-page", made)))


def test_one_pages_to_older_and_newer_deliveries_and_meets_each_once(sign_in, alice, made, deliver, monkeypatch):
    monkeypatch.setattr(rows, "PAGE", 3)
    ids = [delivery.pk for delivery in deliver(*"abcdefgh")][::-1]
    client = sign_in(alice)

    def walk(query, way):
        pages = []
        while True:
            context = client.get(at("endpoint-page", made), query).context
            pages.append([row.pk for row in context["rows"]])
            if context[way] is None:
                return pages
            query = {"before" if way == "older" else "after": context[way]}

    assert walk({}, "older") == [ids[:3], ids[3:6], ids[6:]]
    assert walk({"before": ids[5]}, "newer") == [ids[6:], ids[3:6], ids[:3]]


@pytest.mark.parametrize("strange", ["x", "-1", "9" * 30, "²"])
def test_a_strange_place_is_the_newest_page(sign_in, alice, made, deliver, strange):
    deliver("ding")
    for way in ("before", "after"):
        page = sign_in(alice).get(at("endpoint-page", made), {way: strange})
        assert (page.status_code, len(page.context["rows"])) == (200, 1)


def test_a_page_of_many_deliveries_asks_no_more_than_one_of_few(sign_in, alice, made, deliver, query_count):
    client = sign_in(alice)
    deliver("a")
    few = query_count(lambda: client.get(at("endpoint-page", made)))
    deliver(*"bcdefgh")
    assert query_count(lambda: client.get(at("endpoint-page", made))) == few


def test_a_delivery_is_shown_with_all_that_was_sent_and_came_back(sign_in, alice, tried):
    page = sign_in(alice).get(at("delivery-page", tried))
    said = page.content.decode()
    assert "&lt;script&gt;no" in said and "<script>no" not in said
    for words in (
        "500",
        "17 ms",
        "The receiver answered 500.",
        f"POST {URL}",
        "x-trace: abc",
        "webhook-signature: v1,",
    ):
        assert words in said
    [shown] = page.context["tries"]
    attempt, body = Attempt.objects.get(), json.loads(page.context["body"])
    assert body["id"] == str(tried.event_id)
    assert shown.base_string.startswith(f"{tried.event_id}.{attempt.request_headers['webhook-timestamp']}.{{")
    assert shown.as_curl.startswith("curl ") and URL in shown.as_curl


def test_a_delivery_whose_event_is_pruned_is_shown_without_it(sign_in, alice, tried):
    Event.objects.all().delete()
    page = sign_in(alice).get(at("delivery-page", tried))
    assert "The event is no longer in the log." in text(page)
    assert "As a curl command" not in text(page)


def test_an_attempt_that_got_no_answer_says_why(sign_in, alice, tried):
    Attempt.objects.update(status_code=None, error="No connection within 5 s.", request_headers={}, url="")
    page = text(sign_in(alice).get(at("delivery-page", tried)))
    assert "No answer" in page and "No connection within 5 s." in page


@pytest.mark.parametrize("status", [*Delivery.Status])
@pytest.mark.parametrize("fields", [{}, {"enabled": False}, {"enabled": False, "disabled_reason": "Gone."}])
def test_a_deliverys_status_is_said_in_words(sign_in, alice, tried, status, fields):
    Delivery.objects.update(status=status, next_attempt_at=timezone.now() if status == "pending" else None)
    Endpoint.objects.update(**fields)
    words = {
        "pending": {0: "The next attempt is due", 1: "until the endpoint is resumed", 2: "is switched on again"},
        "succeeded": "The receiver took it.",
        "failed": "It answered 500.",
        "exhausted": "No attempt succeeded",
        "cancelled": "It is not sent any more.",
    }[status]
    expected = words[len(fields)] if isinstance(words, dict) else words
    page = text(sign_in(alice).get(at("delivery-page", tried)))
    assert status.label in page and expected in page


def test_a_delivery_is_sent_again_from_its_page(sign_in, alice, tried):
    Delivery.objects.update(status="exhausted", next_attempt_at=None)
    page = sign_in(alice).post(at("delivery-resend-page", tried), follow=True)
    assert "It is due now." in text(page)
    assert Delivery.objects.get().status == "pending"


def test_a_delivery_to_a_paused_endpoint_waits_when_it_is_sent_again(sign_in, alice, tried):
    Endpoint.objects.update(enabled=False)
    assert "waits until" in text(sign_in(alice).post(at("delivery-resend-page", tried), follow=True))


def test_what_cannot_be_sent_again_is_told(sign_in, alice, tried):
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    page = sign_in(alice).post(at("delivery-resend-page", tried), follow=True)
    assert "The endpoint is switched off" in text(page)


def test_what_is_undelivered_is_paged_in_both_directions(sign_in, alice, made, deliver, monkeypatch):
    monkeypatch.setattr(rows, "PAGE", 2)
    ids = [delivery.pk for delivery in deliver(*"abcdef")][::-1]
    Delivery.objects.filter(pk=ids[2]).update(status="succeeded")
    Delivery.objects.filter(pk=ids[3]).update(status="exhausted")
    client = sign_in(alice)

    def shown(**query):
        context = client.get(at("endpoint-page", made), {"status": "undelivered"} | query).context
        return [row.pk for row in context["rows"]]

    assert shown() == [ids[0], ids[1]]
    assert shown(before=ids[1]) == [ids[3], ids[4]]
    assert shown(before=ids[4]) == [ids[5]]
    assert shown(after=ids[5]) == [ids[3], ids[4]]


# -- Replays and previews ---------------------------------------------------------------------------------------------


def test_a_replay_starts_a_day_ago_unless_one_says_otherwise(sign_in, alice, made):
    page = sign_in(alice).get(at("replays-page", made)).content.decode()
    [since] = re.findall(r'name="since" value="([^"]+)"', page)
    age = datetime.now(UTC) - datetime.fromisoformat(since).replace(tzinfo=UTC)
    assert timedelta(hours=23) < age < timedelta(hours=25)


def test_a_replay_is_begun_shown_and_cancelled(sign_in, alice, made, deliver):
    deliver("ding")
    subscribers.run("webhooks")
    Delivery.objects.update(status="exhausted", next_attempt_at=None)
    client = sign_in(alice)
    page = client.post(at("replays-page", made), {"only": "failed", "since": "2020-01-01T00:00"}, follow=True)
    replay = Replay.objects.get()
    assert "It has begun." in text(page) and "Running What failed: 0 made" in text(page)
    assert (replay.requested_by, replay.only) == (alice, "failed")
    replays.run()
    assert set(Delivery.objects.values_list("status", flat=True)) == {"pending"}
    assert "Done What failed: 2 made" in text(client.get(at("replays-page", made)))
    Replay.objects.update(status="running")
    cancel = reverse("replay-cancel-page", args=[made.pk, replay.pk])
    assert "It is cancelled" in text(client.post(cancel, follow=True))
    assert "has ended already" in text(client.post(cancel, follow=True))


def test_a_replay_after_a_cursor_begins_there(sign_in, alice, made, ring):
    [event] = ring("ding")
    cursor = str(log.head().cursor)
    ring("dong")
    subscribers.run("webhooks")
    sign_in(alice).post(at("replays-page", made), {"only": "all", "after": cursor})
    assert Replay.objects.get().after == event.position


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"only": "failed"}, "__all__", "one of both"),
        ({"only": "failed", "since": "2020-01-01T00:00", "after": "e-1"}, "after", "not a cursor"),
        ({"only": "failed", "since": "yesterday"}, "since", "valid date"),
        ({"only": "failed", "after": "x"}, "after", "cursor"),
        ({"only": "some", "since": "2020-01-01T00:00"}, "only", "not one of the available choices"),
        ({"since": "2020-01-01T00:00"}, "only", "required"),
    ],
)
def test_a_replay_that_is_wrong_is_told_beside_its_field(sign_in, alice, made, fields, field, words):
    response = sign_in(alice).post(at("replays-page", made), fields)
    assert response.status_code == 400
    assert words in " ".join(response.context["form"].errors[field]), response.context["form"].errors
    assert not Replay.objects.exists()


def test_one_replay_runs_at_a_time(sign_in, alice, made):
    fields = {"only": "failed", "since": "2020-01-01T00:00"}
    client = sign_in(alice)
    client.post(at("replays-page", made), fields)
    response = client.post(at("replays-page", made), fields)
    assert response.status_code == 400 and "is running" in text(response)


def test_what_an_endpoint_would_have_got_is_shown_and_nothing_is_made(sign_in, alice, ring):
    ring("a", "b", "c")
    fields = FORM | {"filter": '{"sound": {"in": ["a", "b"]}}', "event_types": "tests.*", "preview": "1"}
    page = sign_in(alice).post(NEW, fields)
    assert page.status_code == 200
    assert "It would have got 2 events" in text(page) and "tests.bell.rang 2" in text(page)
    assert not Endpoint.objects.exists()


def test_a_change_is_previewed_before_it_is_saved(sign_in, alice, made, ring):
    ring("a", "b")
    fields = FORM | {"event_types": "tests.*", "filter": '{"sound": "b"}', "preview": "1"}
    assert "It would have got 1 event " in text(sign_in(alice).post(at("endpoint-change-page", made), fields))
    assert Endpoint.objects.get().content_filter == {}


def test_a_preview_of_what_is_wrong_tells_what_is_wrong(sign_in, alice):
    response = sign_in(alice).post(NEW, FORM | {"filter": '{"a": {"like": 1}}', "preview": "1"})
    assert response.status_code == 400 and response.context["form"].errors["filter"]


def test_one_who_previews_too_often_is_told_so(sign_in, alice, settings):
    settings.TIDEWIRE_USER_PREVIEWS_PER_MINUTE = 1
    client = sign_in(alice)
    assert client.post(NEW, FORM | {"preview": "1"}).status_code == 200
    response = client.post(NEW, FORM | {"preview": "1"})
    assert response.status_code == 400 and "too often within a minute" in text(response)


# -- Who may ---------------------------------------------------------------------------------------------------------


def test_mallory_finds_nothing_of_alices(sign_in, mallory, tried):
    client = sign_in(mallory)
    for name in OF_ENDPOINT:
        assert client.get(at(name, tried.endpoint)).status_code == 404
    for name in DOES:
        assert client.post(at(name, tried.endpoint), FORM).status_code == 404
    assert client.get(at("delivery-page", tried)).status_code == 404
    assert client.post(at("delivery-resend-page", tried)).status_code == 404
    assert client.post(reverse("replay-cancel-page", args=[tried.endpoint_id, 1])).status_code == 404
    assert Endpoint.objects.get().enabled


@pytest.mark.parametrize("name", [name for name in DOES if name != "replays-page"])
def test_an_endpoint_that_is_deleted_meanwhile_is_not_found(sign_in, alice, made, monkeypatch, name):
    client = sign_in(alice)
    monkeypatch.setattr("webhooks.pages.endpoints.own", lambda request, pk: _deleted(made))
    expected = 302 if name == "endpoint-delete-page" else 404
    assert client.post(at(name, made), FORM | {"overlap_hours": "1"}).status_code == expected


def _deleted(endpoint):
    Endpoint.objects.filter(pk=endpoint.pk).delete()
    return endpoint


def test_who_is_not_signed_in_is_asked_to(client, tried):
    paths = ["/webhooks/", NEW, at("delivery-page", tried), *(at(name, tried.endpoint) for name in OF_ENDPOINT)]
    for path in paths:
        assert client.get(path)["Location"] == f"/accounts/login/?next={path}"
    for name in DOES:
        assert client.post(at(name, tried.endpoint))["Location"].startswith("/accounts/login/")


def test_every_form_needs_its_token(sign_in, alice, tried):
    client = sign_in(alice, enforce_csrf_checks=True)
    paths = [NEW, at("delivery-resend-page", tried), *(at(name, tried.endpoint) for name in DOES)]
    assert {client.post(path, FORM).status_code for path in paths} == {403}


def test_what_does_something_is_not_done_by_a_link(sign_in, alice, tried):
    client = sign_in(alice)
    names = [name for name in DOES if name not in OF_ENDPOINT]
    paths = [at("delivery-resend-page", tried), *(at(name, tried.endpoint) for name in names)]
    assert {client.get(path).status_code for path in paths} == {405}


def test_a_page_says_what_it_is_live_on(sign_in, alice, tried):
    topics = f'data-topics="webhooks.{tried.endpoint_id},me"'
    for path in ("/webhooks/", at("endpoint-page", tried.endpoint), at("delivery-page", tried)):
        assert topics in sign_in(alice).get(path).content.decode()


def test_every_field_has_a_label_and_its_errors_and_help_are_tied_to_it(sign_in, alice):
    page = sign_in(alice).post(NEW, FORM | {"url": ""}).content.decode()
    for name in FORM:
        assert f'<label for="id_{name}">' in page
    assert re.search(r'name="url"[^>]*aria-describedby="[^"]*id_url_error', page)


# -- Charts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "words"), [("1h", "1 hour"), ("24h", "24 hours"), ("7d", "7 days"), ("x", "24 hours")]
)
def test_how_it_goes_is_drawn_for_the_window_asked_for_with_a_table_beside(sign_in, alice, tried, window, words):
    page = sign_in(alice).get(at("endpoint-page", tried.endpoint), {"window": window})
    said = page.content.decode()
    assert f'aria-current="page">{words}' in said
    assert said.count("<svg ") >= 2 and 'class="bar-waiting"' in said and 'class="bar-median"' in said
    assert re.search(r"0 1 0 . 17 ms 17 ms", re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", said)))


def test_without_deliveries_nothing_is_drawn(sign_in, alice, made):
    page = sign_in(alice).get(at("endpoint-page", made))
    assert "Nothing was to be delivered in this time." in text(page)
    assert b"chart" not in page.content


def test_the_window_stays_when_another_status_is_chosen(sign_in, alice, tried):
    page = sign_in(alice).get(at("endpoint-page", tried.endpoint), {"window": "7d", "status": "pending"})
    links = re.findall(r'href="(\?[^"]+)"', page.content.decode())
    assert "?status=failed&amp;window=7d" in links and "?window=1h&amp;status=pending#trends" in links


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"enabled": False, "disabled_reason": "The receiver answered 410 Gone."}, "Mend the receiver first."),
        ({"failing_since": timezone.now(), "failures_in_row": 7}, "there is nothing to do"),
        ({"postponed_until": timezone.now() + timedelta(days=1)}, "Send at once, and the rest follows."),
    ],
)
def test_trouble_is_shown_with_what_to_do_about_it(sign_in, alice, made, fields, words):
    Endpoint.objects.update(**fields)
    assert words in text(sign_in(alice).get(at("endpoint-page", made)))


def test_what_is_postponed_is_sent_at_once_by_its_owners_word(sign_in, alice, made):
    Endpoint.objects.update(postponed_until=timezone.now() + timedelta(days=1), failures_in_row=9)
    browser = sign_in(alice)
    assert "Send at once" in text(browser.get(at("endpoint-page", made)))
    browser.post(at("endpoint-resume-page", made))
    made.refresh_from_db()
    assert (made.postponed_until, made.failures_in_row, made.enabled) == (None, 0, True)
