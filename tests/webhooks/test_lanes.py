import time
from datetime import timedelta

import pytest
from django.utils import timezone

from webhooks import lanes
from webhooks.claims import AHEAD, Job, Row
from webhooks.lanes import Lane
from webhooks.models import Endpoint


class Clock:
    """A clock that is set."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(lanes, "time", clock)
    return clock


def jobs(endpoint, count, claimed_at=1000.0, first=1):
    now = timezone.now()
    for number in range(first, first + count):
        row = Row(number, None, 0, endpoint.pk, None, "t.a.b", number, now, now, "1", False, number)
        yield Job(row, endpoint, b"{}", claimed_at)


def filled(count, **fields):
    endpoint = Endpoint(pk=7, **fields)
    lane = Lane(endpoint)
    lane.add(list(jobs(endpoint, count)), count)
    return lane


def begun(lane, *, is_short=False):
    found = []
    while job := lane.next(is_short=is_short):
        found.append(job)
    return found


@pytest.mark.parametrize(
    ("fields", "cap"), [({}, 16), ({"max_in_flight": 3}, 3), ({"ordering": "fifo", "max_in_flight": 3}, 1)]
)
def test_no_more_fly_than_the_endpoint_may_get_at_once(clock, fields, cap):
    lane = filled(40, **fields)
    flying = begun(lane)
    assert len(flying) == cap
    lane.landed(flying[0])
    assert len(begun(lane)) == 1


def test_no_endpoint_takes_more_than_its_part_of_all_places(clock, settings):
    settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT = 16
    assert len(begun(filled(40))) == 2


def test_a_rate_lets_tries_begin_evenly(clock):
    lane = filled(100, rate_per_second=10, max_in_flight=50)
    count, began = 0, clock.now
    while clock.now < began + 2:
        count += len(begun(lane))
        clock.now += lane.wait_seconds() + 0.0001
    assert 19 <= count <= 21


def test_what_was_not_used_of_a_rate_is_not_saved_up(clock):
    lane = filled(100, rate_per_second=10, max_in_flight=50)
    clock.now += 60
    assert len(begun(lane)) == 1


def test_more_is_wanted_ahead_and_what_is_under_way_counts(clock):
    lane = filled(10, max_in_flight=4)
    wanted = lane.demand(whole=False)
    assert (wanted.places, wanted.under_way) == (AHEAD * 4 - 10, 10)
    lane = filled(1, rate_per_second=2, max_in_flight=4)
    assert lane.demand(whole=False).places == 1
    assert filled(1, ordering="fifo").demand(whole=False).places == 0


def test_for_one_that_keeps_us_waiting_nothing_is_claimed_ahead_and_little_flies_when_places_are_short(clock):
    lane = filled(64)
    flying = begun(lane)
    clock.now += lanes.PATIENCE_SECONDS + 1
    assert lane.demand(whole=False).places == 0
    for job in flying[:-1]:
        lane.landed(job)
    assert len(begun(lane, is_short=True)) == 1
    assert len(begun(lane, is_short=False)) == 14
    assert len(lane.take_outdated()) == 64 - 16 - 15


def test_what_waited_so_long_that_its_lease_could_end_is_not_begun(clock, settings):
    settings.TIDEWIRE_WEBHOOKS_LEASE_SECONDS, settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS = 60, 15
    endpoint = Endpoint(pk=7)
    lane = Lane(endpoint)
    lane.add([*jobs(endpoint, 1, claimed_at=clock.now - 36), *jobs(endpoint, 1, clock.now - 34, first=2)], 2)
    assert [row.id for row in lane.take_outdated()] == [1]
    assert [job.delivery_id for job in begun(lane)] == [2]


def test_the_next_claim_begins_a_little_before_the_last_and_a_whole_look_at_the_beginning(clock):
    lane = filled(3)
    floor = lane.demand(whole=False).floor
    assert timedelta(0) < timezone.now() - floor < lanes.FLOOR_SLACK + timedelta(seconds=5)
    assert lane.demand(whole=False).line == 3
    assert (lane.demand(whole=True).floor, lane.demand(whole=True).line) == (None, None)


def test_one_that_was_idle_is_forgotten(clock):
    lane = filled(1)
    assert not lane.is_idle
    clock.now += lanes.IDLE_SECONDS + 1
    assert lane.is_idle


def test_time_is_the_processs_own():
    assert lanes.time is time
