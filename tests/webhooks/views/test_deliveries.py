from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event
from webhooks.models import Delivery, Endpoint

DELIVERIES = "/api/v1/webhooks/deliveries/"


@pytest.fixture
def sent(endpoint, alice, deliver):
    """Five deliveries of alice's, of which one has succeeded."""
    endpoint(alice)
    deliveries = deliver(*"abcde")
    for delivery, status in zip(deliveries, ["failed", "succeeded", "exhausted", "cancelled", "pending"], strict=True):
        Delivery.objects.filter(pk=delivery.pk).update(status=status, attempts=10, reason=f"It has {status}.")
    return deliveries


def test_the_undelivered_are_listed_page_by_page_there_and_back(api, alice, sent):
    client = api(alice)
    first = client.get(f"{DELIVERIES}?status=undelivered&page_size=2").json()
    assert [each["status"] for each in first["results"]] == ["pending", "cancelled"]
    second = client.get(first["next"]).json()
    assert [each["status"] for each in second["results"]] == ["exhausted", "failed"]
    assert second["next"] is None
    back = client.get(second["previous"]).json()
    assert back["results"] == first["results"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("type=tests.bell.rang", 4),
        ("type=other", 0),
        ("endpoint={endpoint}", 4),
        ("endpoint=1000000", 0),
        ("since=2000-01-01T00:00:00Z", 4),
        ("since=2100-01-01T00:00:00Z", 0),
    ],
)
def test_the_undelivered_are_found_by_the_other_filters_too(api, alice, sent, query, count):
    asked = query.format(endpoint=sent[0].endpoint_id)
    assert len(api(alice).get(f"{DELIVERIES}?status=undelivered&{asked}").json()["results"]) == count


def test_mallory_sees_nothing_of_what_alice_did_not_get(api, mallory, sent):
    for query in ("", f"&endpoint={sent[0].endpoint_id}"):
        assert api(mallory).get(f"{DELIVERIES}?status=undelivered{query}").json()["results"] == []


@pytest.mark.parametrize("query", ["page=x", "page_size=0", "endpoint=x", "since=x"])
def test_a_bad_page_or_filter_of_the_undelivered_is_an_error(api, alice, sent, query):
    assert api(alice).get(f"{DELIVERIES}?status=undelivered&{query}").status_code == 400


def test_a_dead_letter_says_why(api, alice, sent):
    [dead] = api(alice).get(f"{DELIVERIES}?status=exhausted").json()["results"]
    assert (dead["reason"], dead["attempts"]) == ("It has exhausted.", 10)


@pytest.mark.parametrize("number", range(5))
def test_a_delivery_of_any_status_is_sent_again_and_its_tries_are_counted_on(api, alice, sent, number):
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    answer = api(alice).post(f"{DELIVERIES}{sent[number].pk}/resend/")
    row = Delivery.objects.get(pk=sent[number].pk)
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["attempts"], answer.json()["reason"]) == ("pending", 10, "")
    assert (row.event_id, row.claim, row.lease_until) == (sent[number].event_id, None, None)
    assert row.next_attempt_at <= timezone.now()


def test_one_that_is_being_sent_now_is_left_to_that(api, alice, sent):
    leased = {"lease_until": timezone.now() + timedelta(minutes=1), "claim": sent[4].event_id}
    due = timezone.now() + timedelta(hours=1)
    Delivery.objects.filter(pk=sent[4].pk).update(next_attempt_at=due, **leased)
    assert api(alice).post(f"{DELIVERIES}{sent[4].pk}/resend/").status_code == 202
    row = Delivery.objects.get(pk=sent[4].pk)
    assert (row.claim, row.lease_until, row.next_attempt_at) == (leased["claim"], leased["lease_until"], due)


def test_one_whose_sender_died_is_sent_again_at_once(api, alice, sent):
    Delivery.objects.filter(pk=sent[4].pk).update(
        next_attempt_at=timezone.now() - timedelta(hours=1),
        lease_until=timezone.now() - timedelta(seconds=1),
        claim=sent[4].event_id,
    )
    assert api(alice).post(f"{DELIVERIES}{sent[4].pk}/resend/").status_code == 202
    assert Delivery.objects.get(pk=sent[4].pk).claim is None


def test_what_was_for_an_endpoint_that_is_switched_off_is_refused_with_the_reason(api, alice, sent):
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    answer = api(alice).post(f"{DELIVERIES}{sent[3].pk}/resend/")
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert answer.json()["detail"].startswith("The endpoint is switched off: The receiver answered 410 Gone.")
    assert Delivery.objects.get(pk=sent[3].pk).status == "cancelled"


def test_to_a_paused_endpoint_it_is_sent_when_that_goes_on(api, alice, sent):
    Endpoint.objects.update(enabled=False)
    assert api(alice).post(f"{DELIVERIES}{sent[0].pk}/resend/").json()["status"] == "pending"


def test_what_the_log_holds_no_more_is_refused(api, alice, sent):
    Event.objects.filter(pk=sent[0].position).delete()
    answer = api(alice).post(f"{DELIVERIES}{sent[0].pk}/resend/")
    assert (answer.status_code, "no longer in the log" in answer.json()["detail"]) == (409, True)
    assert Delivery.objects.get(pk=sent[0].pk).status == "failed"
