from datetime import timedelta

import pytest
from django.utils import timezone

from events import log
from events.models import Checkpoint, Event
from webhooks import actions, history
from webhooks.listeners import listener_of
from webhooks.models import Delivery, Endpoint


@pytest.fixture
def missed(sounds):
    """What an endpoint never got, from behind a position on."""

    def look(endpoint, after=0, limit=100):
        endpoint.refresh_from_db()
        upto = history.reached()
        return history.look_for_missing(listener_of(endpoint), after=after, upto=upto, limit=limit)

    return look


def test_what_was_published_while_an_endpoint_was_switched_off_is_missing_and_nothing_else(
    endpoint, alice, take, missed, sounds
):
    made = endpoint(alice, event_types=["tests.*"])
    take("a")
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    take("b", "c")
    actions.change_endpoint(made, enabled=True)
    take("d")
    look = missed(made)
    assert (sounds(look.events), look.is_complete, look.position) == ("bc", True, log.head().position)


def test_what_was_published_while_an_endpoint_was_paused_is_not_missing_for_it_waits(endpoint, alice, take, missed):
    made = endpoint(alice, event_types=["tests.*"])
    actions.change_endpoint(made, enabled=False)
    take("a", "b")
    actions.change_endpoint(made, enabled=True)
    assert missed(made).events == []
    assert Delivery.objects.filter(status="pending").count() == 2


def test_what_was_published_before_the_endpoint_was_made_is_missing(endpoint, alice, take, missed, sounds):
    take("a", "b")
    assert sounds(missed(endpoint(alice, event_types=["tests.*"])).events) == "ab"


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"event_types": ["other.*"]}, ""),
        ({"topics": ["users.*"]}, ""),
        ({"topics": ["{own}"]}, "ab"),
        ({"topics": ["{own}", "users.0"]}, "ab"),
        ({"event_types": ["tests.*"], "content_filter": {"sound": "b"}}, "b"),
    ],
)
def test_only_what_the_endpoint_wants_is_missing(endpoint, alice, feed, take, missed, sounds, fields, found):
    take("a", "b")
    fields = {"event_types": ["tests.*"]} | fields
    if "topics" in fields:
        fields["topics"] = [topic.format(own=f"feeds.{feed.pk}") for topic in fields["topics"]]
    assert sounds(missed(endpoint(alice, **fields)).events) == found


def test_what_the_owner_may_not_read_is_not_missing(endpoint, bob, mallory, feed, take, missed, sounds):
    take("a", topic=f"feeds.{feed.pk}.followers")
    assert sounds(missed(endpoint(bob, event_types=["tests.*"])).events) == "a"
    assert missed(endpoint(mallory, event_types=["tests.*"])).events == []


def test_what_fan_out_has_not_reached_is_not_missing_yet(endpoint, alice, ring, missed):
    made = endpoint(alice, event_types=["tests.*"])
    ring("a")
    Checkpoint.objects.filter(pk="webhooks").update(position=log.head().position - 1)
    assert (missed(made).events, history.reached()) == ([], log.head().position - 1)


def test_one_goes_on_from_the_position_until_all_is_found(endpoint, alice, take, missed, sounds):
    take(*"abcde")
    made = endpoint(alice, event_types=["tests.*"])
    found, after = "", 0
    for _ in range(3):
        look = missed(made, after, limit=2)
        found, after = found + sounds(look.events), look.position
    assert (found, look.is_complete) == ("abcde", True)


@pytest.mark.parametrize(("name", "value"), [("EVENTS_MAX", 1), ("SECONDS_MAX", -1)])
def test_a_look_ends_at_its_bounds_but_always_goes_on_a_step(
    endpoint, alice, take, missed, monkeypatch, name, value, sounds
):
    take(*"abc")
    made = endpoint(alice, event_types=["tests.*"])
    monkeypatch.setattr(history, name, value)
    page = history.page
    monkeypatch.setattr(history, "page", lambda *given, **window: page(*given, **window | {"limit": 1}))
    after, found, looks = log.head().position - 3, "", 0
    while after < log.head().position:
        look = missed(made, after)
        assert look.position > after
        found, after, looks = found + sounds(look.events), look.position, looks + 1
    assert (found, looks) == ("abc", 3)


def test_what_may_have_been_delivered_and_forgotten_is_not_called_missing(take, settings):
    settings.TIDEWIRE_WEBHOOKS_RETENTION_DAYS = 30
    events = take("a", "b")
    Event.objects.filter(position__lte=events[0].position).update(logged_at=timezone.now() - timedelta(days=31))
    assert history.floor() == events[0].position
