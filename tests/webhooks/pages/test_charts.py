from datetime import UTC, datetime, timedelta

import pytest

from webhooks.pages import charts
from webhooks.trends import Part

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)


def part(number=0, succeeded=0, waiting=0, lost=0, median=None, slow=None):
    return Part(
        BEGIN + timedelta(hours=number), BEGIN + timedelta(hours=number + 1), succeeded, waiting, lost, median, slow
    )


def test_what_became_of_deliveries_stands_on_top_of_each_other():
    chart = charts.outcomes([part(n) for n in range(3)] + [part(3, succeeded=5, waiting=3, lost=2)])
    assert [(bar.kind, bar.y, bar.height) for bar in chart.bars] == [
        ("good", 60, 60),
        ("waiting", 24, 36),
        ("bad", 0, 24),
    ]
    assert chart.words == ["10", "5", "0"]
    assert all(bar.x > 540 and bar.x + bar.width < 720 for bar in chart.bars)


def test_answer_times_are_the_median_and_what_the_slowest_take_longer():
    chart = charts.latencies([part(n, median=100, slow=400) for n in range(4)])
    assert [(bar.kind, bar.height) for bar in chart.bars[:2]] == [("median", 24), ("slow", 72)]
    assert chart.words == ["500 ms", "250 ms", "0 ms"]


def test_nothing_draws_nothing():
    assert charts.outcomes([part(n) for n in range(4)]).bars == []


def test_four_moments_stand_below():
    chart = charts.outcomes([part(n) for n in range(24)])
    assert [mark.hour for mark in chart.marks] == [0, 6, 12, 18]


@pytest.mark.parametrize(
    ("value", "top"), [(0, 2), (1, 2), (2, 2), (3, 5), (10, 10), (11, 20), (99, 100), (1001, 2000)]
)
def test_a_scale_ends_at_a_round_number(value, top):
    assert charts.nice(value) == top
