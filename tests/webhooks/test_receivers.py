import pytest
from django.db import transaction
from django.utils import timezone

from events import relay, subscribers
from events.encoding import timestamp
from events.models import Event
from notifications.models import Notification
from webhooks import signals
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(alice, endpoint):
    """State a fact of an endpoint of alice's; return the event, and what is in her inbox."""

    def make(signal, **state):
        made = endpoint(alice, description="My hook")
        for name, value in state.items():
            setattr(made, name, value)
        with transaction.atomic():
            signal.send(Endpoint, endpoint=made)
        relay.run()
        subscribers.run("notifications")
        event = Event.objects.get(type__startswith="webhooks.")
        return made, event, Notification.objects.get(recipient=alice)

    return make


def test_an_endpoint_that_fails_is_told_to_its_owner(told, alice):
    now = timezone.now()
    made, event, notice = told(signals.endpoint_failing, failing_since=now)
    assert (event.type, event.topic) == ("webhooks.endpoint.failing", f"users.{alice.pk}")
    about = {"id": made.pk, "url": made.url, "description": "My hook", "failing_since": timestamp(now)}
    assert (event.subject, event.data) == (f"endpoints/{made.pk}", {"endpoint": about})
    assert (notice.kind, notice.people, notice.subject_url) == ("notice", [], "/webhooks/")
    assert made.url in notice.text


def test_an_endpoint_that_was_switched_off_is_told_to_its_owner_with_the_reason(told, alice, api):
    made, event, notice = told(signals.endpoint_disabled, disabled_reason="The receiver answered 410 Gone.")
    assert (event.type, event.topic) == ("webhooks.endpoint.disabled", f"users.{alice.pk}")
    about = {"id": made.pk, "url": made.url, "description": "My hook"}
    assert event.data == {"endpoint": about | {"disabled_reason": "The receiver answered 410 Gone."}}
    assert notice.text == f"Your webhook endpoint {made.url} was disabled: The receiver answered 410 Gone."
    [shown] = api(alice).get("/api/v1/notifications/").json()["results"]
    assert (shown["actors"], shown["actor_count"], shown["text"]) == ([], 0, notice.text)
