import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from events import log
from webhooks import actions
from webhooks.models import Delivery, Endpoint, Replay

SEND = ("webhooks.tasks.send_due_deliveries",)


def test_a_new_endpoint_has_a_secret_of_its_own_and_stands_at_the_head(endpoint, alice, ring):
    ring("before")
    first, second = endpoint(alice), endpoint(alice)
    assert first.secret != second.secret
    assert first.created_position == log.head().position
    assert (first.event_types, first.topics, first.enabled) == (["*"], ["*"], True)


def test_what_does_not_fit_the_model_is_refused(alice):
    with pytest.raises(ValidationError):
        actions.create_endpoint(alice, url="")
    assert not Endpoint.objects.exists()


def test_only_the_fields_that_are_given_change(endpoint, alice):
    made = endpoint(alice)
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    actions.change_endpoint(made, description="new")
    made.refresh_from_db()
    assert (made.description, made.enabled, made.disabled_reason[:12]) == ("new", False, "The receiver")


def test_switching_on_clears_the_reason_and_wakes_the_sender(
    endpoint, alice, wakes, django_capture_on_commit_callbacks
):
    made = endpoint(alice)
    Endpoint.objects.update(enabled=False, disabled_reason="The receiver answered 410 Gone.")
    with django_capture_on_commit_callbacks(execute=True):
        actions.change_endpoint(made, enabled=True)
    made.refresh_from_db()
    assert (made.enabled, made.disabled_reason) == (True, "")
    assert SEND in wakes


@pytest.mark.parametrize("status", Delivery.Status.values)
def test_any_delivery_can_be_sent_again_and_keeps_its_event(
    endpoint, alice, deliver, wakes, django_capture_on_commit_callbacks, status
):
    endpoint(alice)
    [delivery] = deliver("ding")
    Delivery.objects.update(status=status, next_attempt_at=None, attempts=3)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        sent = actions.resend(delivery)
    assert (sent.status, sent.attempts, sent.event_id) == ("pending", 3, delivery.event_id)
    assert sent.next_attempt_at <= timezone.now()
    assert SEND in wakes


@pytest.mark.django_db(transaction=True)
def test_of_two_replays_that_are_begun_at_once_one_is_refused(endpoint, alice):
    made, both, outcomes = endpoint(alice), threading.Barrier(2), []

    def begin():
        both.wait(10)
        try:
            actions.start_replay(made, by=alice, only="all", after=0)
            outcomes.append("begun")
        except actions.NotPossible as error:
            outcomes.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == [actions.ONE_RUNS, "begun"]
    assert Replay.objects.count() == 1
