"""The receiver that users' tests lean on, used as they use it."""

import http.client
from urllib.parse import urlsplit

import pytest

from webhooks import actions
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)


def send(url, body=b"{}", **headers):
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    connection.request("POST", place.path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_what_was_sent_can_be_asserted(webhook_receiver, alice, publish):
    webhook_receiver.endpoint(alice, event_types=["feeds.entry.published"])
    entry = publish("Hello")
    webhook_receiver.deliver()
    event = webhook_receiver.assert_sent("feeds.entry.published", entry={"id": entry.pk, "text": "Hello"})
    assert event["topic"] == f"feeds.{entry.feed_id}"
    webhook_receiver.assert_not_sent("feeds.entry.edited")


def test_what_was_not_sent_fails_with_what_came(webhook_receiver, alice, publish):
    webhook_receiver.endpoint(alice, event_types=["feeds.entry.*"])
    publish("Hello")
    webhook_receiver.deliver()
    with pytest.raises(AssertionError, match=r"(?s)No feeds.entry.edited with.*What came:.*feeds.entry.published"):
        webhook_receiver.assert_sent("feeds.entry.edited")
    with pytest.raises(AssertionError, match=r"No feeds.entry.published"):
        webhook_receiver.assert_sent("feeds.entry.published", entry={"text": "Bye"})
    with pytest.raises(AssertionError, match=r"1 of feeds.entry.published were sent"):
        webhook_receiver.assert_not_sent("feeds.entry.published")


def test_a_receiver_can_fail_and_is_tried_again(webhook_receiver, alice, publish):
    webhook_receiver.endpoint(alice, event_types=["feeds.entry.published"])
    webhook_receiver.answer(503, times=1, retry_after="1")
    publish("Hello")
    webhook_receiver.deliver()
    assert Delivery.objects.get().status == "pending"
    webhook_receiver.retry()
    first, second = webhook_receiver.requests
    assert first.header("webhook-id") == second.header("Webhook-Id")
    assert (first.header("tidewire-attempt"), second.header("tidewire-attempt")) == ("1", "2")
    assert Delivery.objects.get().status == "succeeded"
    assert [event["type"] for event in webhook_receiver.sent()] == ["feeds.entry.published"] * 2


def test_a_forged_webhook_is_named(webhook_receiver, alice):
    webhook_receiver.endpoint(alice)
    headers = {"webhook-id": "1", "webhook-timestamp": "1764000000", "webhook-signature": "v1,AAAA"}
    assert send(webhook_receiver.url, **headers) == 204
    with pytest.raises(AssertionError, match="not signed well"):
        webhook_receiver.assert_sent("feeds.entry.published")


def test_an_endpoint_of_the_tests_own_making_is_verified_by_its_secret(webhook_receiver, alice, publish):
    endpoint = actions.create_endpoint(alice, url=webhook_receiver.url + "mine", event_types=["feeds.entry.published"])
    publish("Hello")
    webhook_receiver.deliver()
    with pytest.raises(AssertionError, match="not signed well"):
        webhook_receiver.sent()
    webhook_receiver.secrets.append(endpoint.secret)
    webhook_receiver.assert_sent("feeds.entry.published")
    assert [request.path for request in webhook_receiver.requests] == ["/mine"]


def test_waiting_in_vain_says_how_many_came(webhook_receiver):
    send(webhook_receiver.url)
    assert len(webhook_receiver.wait_for(1)) == 1
    with pytest.raises(AssertionError, match=r"1 of 2 webhooks came within 0\.01 s"):
        webhook_receiver.wait_for(2, seconds=0.01)
