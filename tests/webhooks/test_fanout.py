from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from events import relay
from events.models import Event, Outbox
from feeds.actions import unfollow_feed
from feeds.models import Feed
from webhooks import actions, fanout
from webhooks.fanout import fan_out
from webhooks.models import Delivery, Endpoint

TYPE_PATTERNS = {
    "*": True,
    "tests.*": True,
    "tests.bell.*": True,
    "tests.bell.rang": True,
    "tests.bell": False,
    "tests.bell.rang.*": False,
    "test.*": False,
    "feeds.*": False,
}


@pytest.mark.parametrize(("pattern", "wants"), list(TYPE_PATTERNS.items()))
def test_an_endpoint_gets_the_types_that_its_patterns_match(endpoint, alice, ring, pattern, wants):
    endpoint(alice, event_types=["other.a.b", pattern])
    [event] = ring("ding")
    assert fan_out([event]) == wants
    assert Delivery.objects.count() == wants


@pytest.mark.parametrize(
    ("pattern", "wants"),
    [("*", True), ("feeds.*", True), ("{own}", True), ("{own}.*", False), ("feeds.0", False), ("users.*", False)],
)
def test_an_endpoint_gets_the_topics_that_its_patterns_match(endpoint, alice, feed, ring, pattern, wants):
    endpoint(alice, topics=[pattern.format(own=f"feeds.{feed.pk}")])
    assert fan_out(ring("ding")) == wants


def test_both_type_and_topic_must_match(endpoint, alice, ring):
    endpoint(alice, event_types=["tests.*"], topics=["users.*"])
    endpoint(alice, event_types=["feeds.*"], topics=["feeds.*"])
    assert fan_out(ring("ding")) == 0


def test_a_delivery_tells_which_event_it_is_and_is_due_at_once(endpoint, alice, ring):
    made = endpoint(alice)
    [event] = ring("ding")
    fan_out([event])
    delivery = Delivery.objects.get()
    assert (delivery.endpoint, delivery.event_id, delivery.position) == (made, event.event_id, event.position)
    assert (delivery.event_type, delivery.status, delivery.attempts) == ("tests.bell.rang", "pending", 0)
    assert delivery.next_attempt_at is not None


def test_an_endpoint_gets_nothing_from_before_it_was_made_and_all_from_after(endpoint, alice, ring):
    [before] = ring("before")
    endpoint(alice)
    [after] = ring("after")
    assert (fan_out([before]), fan_out([after])) == (0, 1)


@pytest.mark.parametrize(("who", "wants"), [("alice", True), ("bob", True), ("mallory", False)])
def test_what_only_followers_may_read_goes_to_followers_only(endpoint, alice, bob, mallory, feed, ring, who, wants):
    endpoint({"alice": alice, "bob": bob, "mallory": mallory}[who])
    assert fan_out(ring("ding", topic=f"feeds.{feed.pk}.followers")) == wants


def test_a_users_own_topic_goes_to_that_user_only(endpoint, alice, bob, mallory, ring):
    for person in (alice, bob, mallory):
        endpoint(person, topics=[f"users.{bob.pk}", "users.*"])
    fan_out(ring("ding", topic=f"users.{bob.pk}"))
    assert [delivery.endpoint.owner for delivery in Delivery.objects.all()] == [bob]


def test_a_topic_that_no_kind_knows_goes_to_nobody(endpoint, alice, ring):
    endpoint(alice)
    assert fan_out(ring("ding", topic="tests.1")) == 0


def test_an_endpoint_of_one_who_is_no_longer_active_gets_nothing(endpoint, mallory, ring):
    endpoint(mallory)
    mallory.is_active = False
    mallory.save()
    assert fan_out(ring("ding")) == 0


def test_a_right_that_has_ended_ends_the_deliveries(endpoint, bob, feed, ring):
    endpoint(bob)
    topic = f"feeds.{feed.pk}.followers"
    assert fan_out(ring("while following", topic=topic)) == 1
    unfollow_feed(feed, by=bob)
    assert fan_out(ring("afterwards", topic=topic)) == 0


def test_a_paused_endpoint_loses_nothing(endpoint, alice, ring):
    actions.change_endpoint(endpoint(alice), enabled=False)
    assert fan_out(ring("ding")) == 1


def test_an_endpoint_that_the_server_switched_off_gets_nothing_until_its_owner_switches_it_on(endpoint, alice, ring):
    made = endpoint(alice)
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    assert fan_out(ring("ding")) == 0
    actions.change_endpoint(made, enabled=True)
    assert fan_out(ring("dong")) == 1


def test_fanning_out_again_makes_nothing_twice(endpoint, alice, mallory, ring):
    endpoint(alice)
    [event] = ring("ding")
    fan_out([event])
    endpoint(mallory)
    Endpoint.objects.update(created_position=0)
    fan_out([event])
    fan_out([event])
    assert Delivery.objects.count() == 2


def test_the_number_of_queries_does_not_grow_with_the_endpoints(endpoint, alice, bob, mallory, ring, query_count):
    for person in (alice, bob, mallory):
        for _ in range(10):
            endpoint(person)
    [event] = ring("ding")
    # Who listens, what anybody may read, the rows in a savepoint.
    assert query_count(lambda: fan_out([event])) <= 5
    assert Delivery.objects.count() == 30


def test_what_not_everybody_may_read_asks_once_for_each_owner(endpoint, alice, bob, feed, ring, query_count):
    for person in (alice, bob):
        for _ in range(10):
            endpoint(person)
    [event] = ring("ding", topic=f"feeds.{feed.pk}.followers")
    assert query_count(lambda: fan_out([event])) <= 6
    assert Delivery.objects.count() == 20


def test_events_that_nobody_listens_to_are_one_query(endpoint, alice, ring, query_count):
    endpoint(alice, topics=["users.*"])
    events = ring(*"abc")
    fan_out(events)
    assert query_count(lambda: fan_out(events)) == 1


def test_the_number_of_queries_does_not_grow_with_the_events_nor_with_their_topics(
    endpoint, alice, bob, feed, ring, query_count
):
    for person in (alice, bob):
        endpoint(person)
    events = ring(*"abcde") + ring(*"fghij", topic=f"feeds.{feed.pk}.followers")
    # The revision, the endpoints, their owners, what anybody may read, what each owner may read besides, the rows.
    assert query_count(lambda: fan_out(events)) <= 8
    assert Delivery.objects.count() == 20


def test_more_deliveries_than_one_statement_makes_are_all_made_in_the_order_of_the_log(
    endpoint, alice, ring, monkeypatch
):
    monkeypatch.setattr(fanout, "SLICE", 4)
    for _ in range(3):
        endpoint(alice)
    events = ring(*"abcde")
    assert fan_out(events) == 15
    for order in ("pk", "next_attempt_at"):
        made = Delivery.objects.order_by(order).values_list("position", flat=True)
        assert list(made) == [event.position for event in events for _ in range(3)]
    assert not Delivery.objects.filter(next_attempt_at__gt=timezone.now()).exists()


@pytest.mark.parametrize(
    ("content_filter", "wants"), [({"sound": "ding"}, 1), ({"sound": {"prefix": "x"}}, 0), ({}, 2)]
)
def test_an_endpoint_gets_what_its_content_filter_lets_through(endpoint, alice, ring, content_filter, wants):
    endpoint(alice, content_filter=content_filter)
    assert fan_out(ring("ding", "dong")) == wants


def test_a_test_event_goes_to_the_endpoint_that_is_tested_alone(endpoint, alice, mallory):
    endpoint(alice)
    tested = endpoint(alice, event_types=["other.*"])
    endpoint(mallory)
    with transaction.atomic():
        Outbox.objects.create(
            event_id=uuid4(),
            type="webhooks.endpoint.tested",
            topic=f"users.{alice.pk}",
            subject="",
            data={"endpoint": {"id": tested.pk}},
            time=timezone.now(),
        )
    relay.run()
    assert fan_out(Event.objects.order_by("-position")[:1]) == 1
    assert Delivery.objects.get().endpoint == tested


AWAY = {
    "deleted": "DELETE FROM webhooks_endpoint WHERE id = %s",
    "switched off": "UPDATE webhooks_endpoint SET disabled_reason = 'Gone.' WHERE id = %s",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("away", list(AWAY.values()), ids=list(AWAY))
def test_an_endpoint_that_is_deleted_or_switched_off_meanwhile_gets_nothing(
    endpoint, alice, ring, other_connection, monkeypatch, away
):
    gone, stays = endpoint(alice), endpoint(alice)
    events = ring("ding")
    found = fanout.readable

    def go_first(pairs):
        with other_connection() as other:
            other.execute(away, [gone.pk])
        return found(pairs)

    monkeypatch.setattr(fanout, "readable", go_first)
    with transaction.atomic():
        fan_out(events)
    assert [delivery.endpoint for delivery in Delivery.objects.all()] == [stays]


def test_the_subscriber_fans_out_what_is_published_and_wakes_the_sender(
    endpoint, bob, publish, flow, wakes, django_capture_on_commit_callbacks
):
    endpoint(bob, event_types=["feeds.entry.published"])
    with django_capture_on_commit_callbacks(execute=True):
        publish()
        flow()
    assert Delivery.objects.get().event_type == "feeds.entry.published"
    assert ("webhooks.tasks.send_due_deliveries",) in wakes


def test_the_subscriber_wakes_nobody_when_nobody_listens(publish, flow, wakes, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        publish()
        flow()
    assert ("webhooks.tasks.send_due_deliveries",) not in wakes


def test_a_private_feed_opens_nothing_by_its_public_topic(endpoint, mallory, alice, ring):
    closed = Feed.objects.create(owner=alice, slug="closed", title="C", visibility="followers")
    endpoint(mallory)
    assert fan_out(ring("ding", topic=f"feeds.{closed.pk}")) == 0
