import random
import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from access.models import User
from events import log, subscribers, wake
from events.models import Checkpoint, ParkedEvent
from events.signals import subscriber_stopped


class Taker:
    """A subscriber's function: remembers what it took, writes a row for it, and fails at some things."""

    def __init__(self, **failures):
        self.tried, self.failures = [], failures

    def __call__(self, event):
        thing = event.data["thing"]
        self.tried.append(thing)
        User.objects.create(username=f"took-{thing}")
        if error := self.failures.get(thing):
            raise error

    @property
    def kept(self):
        return "".join(
            name[5:]
            for name in User.objects.filter(username__startswith="took-")
            .order_by("pk")
            .values_list("username", flat=True)
        )


def run_now():
    """Run the subscriber as if its time to try again had come."""
    Checkpoint.objects.update(retry_at=None)
    return subscribers.run("tests")


def run_until_quiet():
    while run_now():
        pass


def test_events_are_taken_in_order_once_and_the_checkpoint_goes_along(tell, subscriber):
    taker = Taker()
    at = subscriber(taker)
    tell("a", "b")
    assert subscribers.run("tests") == 2
    assert subscribers.run("tests") == 0
    assert taker.tried == ["a", "b"]
    assert (taker.kept, at().position) == ("ab", log.head().position)


def test_only_the_wanted_types_are_taken_and_the_others_are_passed(tell, subscriber):
    taker = Taker()
    at = subscriber(taker, types=["feeds.*", "tests.other.*"])
    tell("a", "b")
    assert subscribers.run("tests") == 2
    assert (taker.tried, at().position) == ([], log.head().position)


def test_more_than_a_batch_is_taken_in_one_run(tell, subscriber, monkeypatch):
    monkeypatch.setattr(subscribers, "BATCH", 2)
    taker = Taker()
    subscriber(taker)
    tell(*"abcde")
    assert subscribers.run("tests") == 5
    assert taker.kept == "abcde"


def test_a_subscriber_is_declared_once(subscriber):
    subscriber(print)
    with pytest.raises(ValueError, match="declared twice"):
        subscribers.subscriber("tests", types=["*"])(print)


def test_a_new_subscriber_starts_at_the_head_and_an_old_one_stays(tell, subscriber):
    taker = Taker()
    tell("before")
    at = subscriber(taker)
    start = at().position
    assert start == log.head().position
    tell("after")
    subscribers.ensure_checkpoints()
    assert at().position == start
    subscribers.run("tests")
    assert taker.tried == ["after"]


def test_a_failing_event_keeps_no_row_of_its_own_and_all_rows_before_it(tell, subscriber):
    taker = Taker(c=RuntimeError("broken"))
    at = subscriber(taker)
    tell(*"abcd")
    subscribers.run("tests")
    assert taker.kept == "ab"
    assert at().position == log.head().position - 2


def test_a_failing_event_backs_off_longer_each_time(tell, subscriber):
    at = subscriber(Taker(a=RuntimeError("broken")))
    tell("a")
    for failures, seconds in enumerate(subscribers.BACKOFF_SECONDS[: subscribers.TRIES - 1], 1):
        before = timezone.now()
        run_now()
        assert at().failures == failures
        assert timedelta(seconds=seconds) <= at().retry_at - before < timedelta(seconds=seconds + 5)
        assert subscribers.run("tests") == 0
        assert at().failures == failures


def test_a_failing_event_is_tried_so_often_then_parked_and_the_rest_goes_on(tell, subscriber):
    taker = Taker(b=RuntimeError("broken"))
    at = subscriber(taker)
    tell(*"abc")
    for _ in range(subscribers.TRIES):
        assert "c" not in taker.tried
        run_now()
    assert taker.tried == ["a", *"b" * subscribers.TRIES, "c"]
    assert (taker.kept, at().position, at().parked_in_row) == ("ac", log.head().position, 0)
    parked = ParkedEvent.objects.get()
    assert (parked.position, parked.error, parked.attempts) == (log.head().position - 1, "RuntimeError: broken", 5)


def test_an_error_that_postgresql_could_not_keep_is_parked_too(tell, subscriber):
    subscriber(Taker(a=RuntimeError("nul \x00 and half a pair \ud800")))
    tell("a")
    for _ in range(subscribers.TRIES):
        run_now()
    assert ParkedEvent.objects.get().error == "RuntimeError: nul  and half a pair ?"


def test_several_parked_in_a_row_stop_the_subscriber_and_raise_the_alarm(
    tell, subscriber, django_capture_on_commit_callbacks
):
    heard = []
    hear = lambda **fact: heard.append((fact["name"], fact["position"]))  # noqa: E731  a signal holds it weakly
    subscriber_stopped.connect(hear)
    at = subscriber(Taker(**dict.fromkeys("abcdef", RuntimeError("broken"))))
    tell(*"abcdef")
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(50):
            run_now()
    assert (at().status, at().parked_in_row) == ("stopped", subscribers.STOP_AFTER_PARKED)
    assert ParkedEvent.objects.count() == subscribers.STOP_AFTER_PARKED
    assert at().position == log.head().position - 1
    assert heard == [("tests", at().position)]


def test_an_alarm_that_fails_keeps_no_other_from_ringing_and_no_subscriber_from_stopping(
    tell, subscriber, django_capture_on_commit_callbacks
):
    def fail(**fact):
        raise RuntimeError("the alarm is broken")

    heard = []
    hear = lambda **fact: heard.append(fact["name"])  # noqa: E731  a signal holds it weakly
    subscriber_stopped.connect(fail)
    subscriber_stopped.connect(hear)
    at = subscriber(Taker(a=RuntimeError("broken")))
    tell("a")
    Checkpoint.objects.update(failures=4, failing_position=at().position, parked_in_row=4)
    with django_capture_on_commit_callbacks(execute=True):
        run_now()
    assert at().status == "stopped"
    assert heard == ["tests"]


def test_one_that_is_taken_between_breaks_the_row_of_parked_ones(tell, subscriber):
    at = subscriber(Taker(**dict.fromkeys("abcdwxyz", RuntimeError("broken"))))
    tell(*"abcd", "good", *"wxyz")
    for _ in range(50):
        run_now()
    assert (at().status, at().parked_in_row, ParkedEvent.objects.count()) == ("running", 4, 8)


@pytest.mark.django_db(transaction=True)
def test_trouble_of_the_database_never_parks_and_counts_no_try(tell, subscriber):
    taker = Taker(a=OperationalError("deadlock"))
    at = subscriber(taker)
    tell("a")
    for _ in range(subscribers.TRIES + 2):
        with pytest.raises(OperationalError):
            subscribers.run("tests")
        assert at().failures == 0
    assert not ParkedEvent.objects.exists()
    taker.failures.clear()
    assert subscribers.run("tests") == 1


DIE = """
import os, signal
from events import subscribers
@subscribers.subscriber("tests", types=["tests.*"])
def die(event):
    from access.models import User
    User.objects.create(username="took-" + event.data["thing"])
    if event.data["thing"] == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
subscribers.run("tests")
"""


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_while_it_takes_an_event_has_counted_a_try_and_kept_nothing(tell, subscriber, python):
    taker = Taker()
    at = subscriber(taker)
    start = at().position
    tell("deadly", "b")
    assert python(DIE).returncode == -9
    assert (at().position, at().failures, taker.kept) == (start, 1, "")

    Checkpoint.objects.update(failures=subscribers.TRIES - 1, retry_at=None)
    assert python(DIE).returncode == -9
    run_until_quiet()
    assert taker.tried == ["b"]
    assert ParkedEvent.objects.get().error == "The process died each time this event was taken."


@pytest.mark.django_db(transaction=True)
def test_after_a_kill_in_a_batch_events_go_one_by_one_so_that_the_tries_are_the_deadly_ones_own(
    tell, subscriber, python
):
    taker = Taker()
    at = subscriber(taker)
    start = at().position
    tell("a", "b", "deadly")
    assert python(DIE).returncode == -9
    assert (at().position, taker.kept) == (start, "")
    Checkpoint.objects.update(retry_at=None)
    assert python(DIE).returncode == -9
    assert (at().position, at().failures, taker.kept) == (start + 2, 1, "ab")


def test_an_event_that_nobody_wanted_is_not_parked_for_the_kills_at_its_place(tell, subscriber):
    at = subscriber(Taker(), types=["feeds.*"])
    tell("a")
    Checkpoint.objects.update(failures=subscribers.TRIES, failing_position=at().position)
    assert subscribers.run("tests") == 1
    assert not ParkedEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_only_one_runner_takes_at_a_time(tell, subscriber, other_connection):
    taker = Taker()
    subscriber(taker)
    tell("a")
    with other_connection() as other:
        other.execute("SELECT FROM events_checkpoint WHERE name = 'tests' FOR UPDATE")
        assert subscribers.run("tests") == 0
        other.rollback()
    assert subscribers.run("tests") == 1
    assert taker.tried == ["a"]


@pytest.mark.django_db(transaction=True)
def test_runners_that_meet_between_counting_and_taking_count_one_try(tell, subscriber, monkeypatch):
    taker = Taker()
    at = subscriber(taker)
    tell("a")
    take, counts = subscribers._take_batch, []

    def meet_others_first(who, counted, **options):
        if not counts:
            counts.append(counted.failures)
            for _ in range(subscribers.TRIES + 1):
                assert subscribers.run("tests") == 0
            counts.append(at().failures)
        return take(who, counted, **options)

    monkeypatch.setattr(subscribers, "_take_batch", meet_others_first)
    assert subscribers.run("tests") == 1
    assert counts == [1, 1]
    assert (taker.tried, ParkedEvent.objects.count()) == (["a"], 0)


@pytest.mark.django_db(transaction=True)
def test_a_runner_that_slept_too_long_leaves_the_event_to_the_one_that_took_it(tell, subscriber, monkeypatch):
    taker = Taker()
    at = subscriber(taker)
    tell("a")
    take, slept = subscribers._take_batch, []

    def sleep_first(who, counted, **options):
        if not slept:
            slept.append(True)
            run_now()
        return take(who, counted, **options)

    monkeypatch.setattr(subscribers, "_take_batch", sleep_first)
    subscribers.run("tests")
    assert taker.tried == ["a"]
    assert (at().failures, at().position) == (0, log.head().position)


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_being_taken_is_taken_by_no_other_however_long_it_lasts(tell, subscriber, monkeypatch):
    monkeypatch.setattr(subscribers, "BEGIN_WITHIN", timedelta(0))
    taken, others = [], []

    def take(event):
        taken.append(event.data["thing"])
        if len(taken) == 1:
            others.append(in_a_thread(lambda: subscribers.run("tests")))

    subscriber(take)
    tell("a")
    assert subscribers.run("tests") == 1
    assert (taken, others) == (["a"], [0])


@pytest.mark.django_db(transaction=True)
def test_what_comes_while_it_runs_is_taken_though_the_wake_up_found_it_running(tell, subscriber):
    others = []

    def take(event):
        if event.data["thing"] == "a":
            others.append(in_a_thread(lambda: (tell("b"), subscribers.run("tests"))[1]))
        taken.append(event.data["thing"])

    taken = []
    subscriber(take)
    tell("a")
    assert subscribers.run("tests") == 2
    assert (taken, others) == (["a", "b"], [0])


def in_a_thread(call):
    result = []
    thread = threading.Thread(target=lambda: (result.append(call()), connection.close()))
    thread.start()
    thread.join(20)
    return result[0]


@pytest.mark.django_db(transaction=True)
def test_runners_and_writers_side_by_side_take_each_event_once_in_order(tell, subscriber):
    taken = []
    at = subscriber(lambda event: taken.append(event.data["thing"]))
    things = [str(number) for number in range(60)]

    def write(part):
        for thing in part:
            tell(thing)
            subscribers.run("tests")

    threads = [threading.Thread(target=lambda part=things[n::3]: (write(part), connection.close())) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == sorted(things)
    assert at().position == log.head().position
    assert not ParkedEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_subscribers_trouble_delays_no_other(tell, subscriber):
    fine = Taker()
    subscriber(Taker(a=RuntimeError("broken")), name="broken")
    subscriber(fine)
    tell("a", "b")
    assert subscribers.run("broken") == 0
    assert subscribers.run("tests") == 2


def test_a_parked_event_that_fails_again_stays_parked_with_its_new_error(tell, subscriber):
    taker = Taker(a=RuntimeError("first"))
    subscriber(taker)
    tell("a")
    for _ in range(subscribers.TRIES):
        run_now()
    taker.failures["a"] = RuntimeError("second")
    assert subscribers.take_parked(ParkedEvent.objects.get()) is False
    parked = ParkedEvent.objects.get()
    assert (parked.status, parked.error, parked.attempts, taker.kept) == ("parked", "RuntimeError: second", 6, "")


@pytest.mark.django_db
def test_a_parked_event_whose_subscriber_is_gone_stays_parked():
    parked = ParkedEvent.objects.create(subscriber="gone", position=1, event_type="tests.a.b", error="broken")
    assert subscribers.take_parked(parked) is False
    assert "no longer there" in ParkedEvent.objects.get().error


def test_all_are_woken_each_by_a_task_of_its_own(subscriber, wakes):
    subscriber(print)
    subscribers.wake_all()
    assert wakes == [(wake.SUBSCRIBER, name) for name in subscribers.names()]
    assert (wake.SUBSCRIBER, "tests") in wakes


def test_only_those_that_have_something_to_take_are_woken(tell, subscriber, wakes):
    for name in ("behind", "stopped", "resting", "there"):
        subscriber(print, name=name)
    tell("a")
    Checkpoint.objects.exclude(name__in=["behind", "stopped", "resting"]).update(position=log.head().position)
    Checkpoint.objects.filter(name="stopped").update(status="stopped")
    Checkpoint.objects.filter(name="resting").update(retry_at=timezone.now() + timedelta(minutes=1))
    Checkpoint.objects.create(name="undeclared", position=0)
    wakes.clear()
    subscribers.wake_those_behind()
    assert wakes == [(wake.SUBSCRIBER, "behind")]


# -- In batches --------------------------------------------------------------------------------------------------------


class BatchTaker:
    """A subscriber's function for lists of events: remembers what it was given, and takes each as `Taker` does."""

    def __init__(self, **failures):
        self.given, self.one = [], Taker(**failures)

    def __call__(self, events):
        self.given.append("".join(event.data["thing"] for event in events))
        for event in events:
            self.one(event)


def test_a_batch_is_given_at_once_without_what_is_not_wanted(tell, subscriber, monkeypatch):
    monkeypatch.setattr(subscribers, "BATCH", 3)
    taker = BatchTaker()
    at = subscriber(taker, batch=True)
    tell(*"abcd")
    assert subscribers.run("tests") == 4
    assert (taker.given, taker.one.kept, at().position) == (["abc", "d"], "abcd", log.head().position)
    other = BatchTaker()
    at = subscriber(other, name="other", types=["tests.other.*"], batch=True)
    tell("e")
    subscribers.run("other")
    assert (other.given, at().position) == ([], log.head().position)


def test_when_a_batch_fails_its_events_are_given_one_by_one_and_nothing_of_it_is_kept_twice(tell, subscriber):
    taker = BatchTaker(c=RuntimeError("broken"))
    at = subscriber(taker, batch=True)
    tell(*"abcd")
    subscribers.run("tests")
    assert (taker.given, taker.one.kept) == (["abcd", "a", "b", "c"], "ab")
    assert (at().position, at().failures) == (log.head().position - 2, 1)


def test_what_a_failed_batch_wanted_after_the_commit_does_not_happen(
    tell, subscriber, django_capture_on_commit_callbacks
):
    done = []

    def take(events):
        transaction.on_commit(lambda: done.append([event.data["thing"] for event in events]))
        if events[-1].data["thing"] == "b":
            raise RuntimeError("broken")

    subscriber(take, batch=True)
    tell("a", "b")
    with django_capture_on_commit_callbacks(execute=True):
        subscribers.run("tests")
    assert done == [["a"]]


@pytest.mark.parametrize("seed", range(6))
def test_a_batch_ends_as_one_by_one_does_whatever_fails(tell, subscriber, monkeypatch, seed):
    chance = random.Random(seed)
    monkeypatch.setattr(subscribers, "BATCH", chance.choice([2, 3, 5, 200]))
    things = [f"{number:02}" for number in range(chance.randrange(1, 25))]
    broken = {thing for thing in things if chance.random() < chance.choice([0.1, 0.4, 0.9])}
    taken = {"one": [], "batch": []}

    def take(name, events):
        for event in events:
            User.objects.create(username=f"{name}-{event.data['thing']}")
        if broken & {event.data["thing"] for event in events}:
            raise RuntimeError("broken")
        taken[name] += [event.data["thing"] for event in events]

    subscriber(lambda event: take("one", [event]), name="one")
    subscriber(lambda events: take("batch", events), name="batch", batch=True)
    tell(*things)
    fields = ("position", "status", "failures", "failing_position", "parked_in_row")
    for _ in range(40):
        for name in ("one", "batch"):
            Checkpoint.objects.update(retry_at=None)
            subscribers.run(name)
        if chance.random() < 0.2 and broken:
            broken.remove(min(broken))
        one, batch = (Checkpoint.objects.values_list(*fields).get(pk=name) for name in ("one", "batch"))
        assert batch == one
        assert parked_for("batch") == parked_for("one")
    assert taken["batch"] == taken["one"]
    assert len(set(taken["batch"])) == len(taken["batch"]) == User.objects.filter(username__startswith="batch").count()


def parked_for(name):
    rows = ParkedEvent.objects.filter(subscriber=name).order_by("position")
    return list(rows.values_list("position", "error", "attempts"))


@pytest.mark.django_db(transaction=True)
def test_trouble_of_the_database_in_a_batch_parks_nothing_and_counts_no_try(tell, subscriber):
    taker = BatchTaker(b=OperationalError("deadlock"))
    at = subscriber(taker, batch=True)
    start = at().position
    tell("a", "b", "c")
    for _ in range(subscribers.TRIES + 2):
        with pytest.raises(OperationalError):
            subscribers.run("tests")
        assert (at().failures, at().position, taker.one.kept) == (0, start, "")
    taker.one.failures.clear()
    assert subscribers.run("tests") == 3
    assert not ParkedEvent.objects.exists()


DIE_IN_A_BATCH = DIE.replace('types=["tests.*"]', 'types=["tests.*"], batch=True').replace(
    "def die(event):", "def die(events):\n  for event in events:"
)


@pytest.mark.django_db(transaction=True)
def test_after_a_kill_in_a_batch_at_once_the_tries_are_the_deadly_ones_own(tell, subscriber, python):
    taker = BatchTaker()
    at = subscriber(taker, batch=True)
    start = at().position
    tell("a", "b", "deadly")
    assert python(DIE_IN_A_BATCH).returncode == -9
    assert (at().position, at().failures, taker.one.kept) == (start, 1, "")
    Checkpoint.objects.update(retry_at=None)
    assert python(DIE_IN_A_BATCH).returncode == -9
    assert (at().position, at().failures, taker.one.kept) == (start + 2, 1, "ab")
    Checkpoint.objects.update(failures=subscribers.TRIES, retry_at=None)
    subscribers.run("tests")
    assert taker.given == []
    assert ParkedEvent.objects.get().error == "The process died each time this event was taken."


def test_a_parked_event_of_a_batch_is_given_again_in_a_list_of_its_own(tell, subscriber):
    taker = BatchTaker(b=RuntimeError("broken"))
    subscriber(taker, batch=True)
    tell(*"abc")
    for _ in range(subscribers.TRIES):
        run_now()
    taker.one.failures.clear()
    assert subscribers.take_parked(ParkedEvent.objects.get()) is True
    assert (taker.given[-1], taker.one.kept) == ("b", "acb")
