import threading
from datetime import timedelta

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


@pytest.mark.parametrize(
    ("change", "is_over"),
    [
        ({"enabled": True}, True),
        ({"url": "https://example.com/other"}, True),
        ({"url": "https://example.com/hook"}, False),
        ({"description": "new"}, False),
        ({"enabled": False}, False),
    ],
)
def test_a_persons_word_or_another_address_ends_what_is_known_of_its_trouble(endpoint, alice, change, is_over):
    made, now = endpoint(alice), timezone.now()
    trouble = {"failing_since": now - timedelta(hours=119), "failures_in_row": 50, "postponed_until": now}
    Endpoint.objects.update(**trouble, failing_told_at=now)
    after = actions.change_endpoint(made, **change)
    assert (after.failing_since is None) == is_over
    assert (after.failures_in_row, after.failing_told_at is None) == ((0, True) if is_over else (50, False))
    assert (Endpoint.objects.get().postponed_until is None) == is_over


def test_pausing_has_no_reason_and_keeps_what_waits(endpoint, alice, deliver):
    made = endpoint(alice)
    [delivery] = deliver("ding")
    assert actions.change_endpoint(made, enabled=False).disabled_reason == ""
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.PENDING


def test_a_change_is_made_to_the_row_as_it_is_and_not_as_it_was_read(endpoint, alice):
    made = endpoint(alice)
    new = actions.rotate_secret(made)
    after = actions.change_endpoint(made, description="new")
    assert (after.secret, after.description) == (new.secret, "new")


def test_a_change_that_does_not_fit_the_model_is_refused(endpoint, alice):
    made = endpoint(alice)
    for change in ({"event_types": []}, {"ordering": "random"}, {"description": "x" * 501}):
        with pytest.raises(ValidationError):
            actions.change_endpoint(made, **change)


def test_headers_that_cannot_be_sent_are_refused(endpoint, alice):
    made = endpoint(alice, headers={"X": "1"})
    for given in ({"Host": "x"}, {"Y": "***"}):
        with pytest.raises(ValidationError) as refused:
            actions.change_endpoint(made, headers=given)
        assert "headers" in refused.value.message_dict
    assert Endpoint.objects.get().headers == {"X": "1"}


def test_what_was_deleted_meanwhile_is_not_there(endpoint, alice):
    made = endpoint(alice)
    Endpoint.objects.get().delete()
    for action in (actions.change_endpoint, actions.rotate_secret, actions.send_test):
        with pytest.raises(Endpoint.DoesNotExist):
            action(made)


def test_a_test_goes_to_its_endpoint_whatever_that_listens_to_and_to_no_other(endpoint, alice, mallory, flow):
    tested = endpoint(alice, event_types=["feeds.*"], topics=["feeds.1"], content_filter={"a": 1})
    endpoint(alice), endpoint(mallory)
    event_id = actions.send_test(tested)
    flow()
    [delivery] = Delivery.objects.filter(event_id=event_id)
    assert (delivery.endpoint, delivery.event_type) == (tested, "webhooks.endpoint.tested")


def test_the_limit_counts_each_owners_own(endpoint, alice, mallory, settings):
    settings.TIDEWIRE_USER_MAX_ENDPOINTS = 1
    made = endpoint(alice)
    with pytest.raises(ValidationError, match="1 endpoints already"):
        endpoint(alice)
    endpoint(mallory)
    made.delete()
    endpoint(alice)


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


# -- At once -----------------------------------------------------------------------------------------------------------


def at_once(*works):
    """Do these at once, each with a connection of its own; return what they returned or raised."""
    results, barrier = [None] * len(works), threading.Barrier(len(works))

    def run(number, work):
        try:
            barrier.wait(10)
            results[number] = work()
        except Exception as error:  # noqa: BLE001
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_the_limit_one_is_made(endpoint, alice, settings):
    settings.TIDEWIRE_USER_MAX_ENDPOINTS = 3
    endpoint(alice), endpoint(alice)
    results = at_once(*[lambda: endpoint(alice)] * 8)
    assert sum(isinstance(each, Endpoint) for each in results) == 1
    assert sum(isinstance(each, ValidationError) for each in results) == 7
    assert Endpoint.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_lose_no_key(endpoint, alice):
    made = endpoint(alice)
    results = at_once(*[lambda: actions.rotate_secret(made).secret] * 8)
    keys = Endpoint.objects.get().signing_keys(timezone.now())
    assert set(keys) == {made.secret, *results} and len(keys) == 9


@pytest.mark.django_db(transaction=True)
def test_changes_during_rotations_undo_none_of_them(endpoint, alice):
    made = endpoint(alice, headers={"X": "hush"})
    works = [
        lambda: actions.rotate_secret(made).secret,
        lambda: actions.change_endpoint(made, description="new").secret,
        lambda: actions.rotate_secret(made).secret,
        lambda: actions.change_endpoint(made, headers={"X": "***", "Y": "1"}).secret,
    ]
    first, _, second, _ = at_once(*works)
    after = Endpoint.objects.get()
    assert set(after.signing_keys(timezone.now())) == {made.secret, first, second}
    assert (after.description, after.headers) == ("new", {"X": "hush", "Y": "1"})


@pytest.mark.django_db(transaction=True)
def test_a_change_of_the_signature_during_a_rotation_keeps_every_key(endpoint, alice):
    made = endpoint(alice)
    rotated, switched = at_once(
        lambda: actions.rotate_secret(made), lambda: actions.change_endpoint(made, signature="v1a")
    )
    after = Endpoint.objects.get()
    keys = after.signing_keys(timezone.now())
    assert keys[0] == after.private_key and made.secret in keys
    assert {switched.private_key, rotated.secret if rotated.signature == "v1" else rotated.private_key} <= set(keys)


@pytest.mark.django_db(transaction=True)
def test_deleting_during_rotations_and_tests_leaves_nothing(endpoint, alice):
    made = endpoint(alice)
    works = [lambda: actions.rotate_secret(made), lambda: actions.send_test(made), lambda: made.delete()]
    results = at_once(*works)
    assert not any(isinstance(each, Exception) and not isinstance(each, Endpoint.DoesNotExist) for each in results)
    assert not Endpoint.objects.exists()
