import pytest

from webhooks import schedule


@pytest.mark.parametrize(("tries", "seconds"), list(enumerate(schedule.DELAYS, 1)))
def test_each_failed_try_is_followed_after_its_delay_within_twenty_percent(tries, seconds):
    delays = [schedule.delay_after(tries) for _ in range(200)]
    assert all(0.8 * seconds < delay < 1.2 * seconds for delay in delays)
    assert max(delays) - min(delays) > 0.1 * seconds


def test_the_second_try_comes_after_five_seconds_and_the_last_one_within_days():
    assert schedule.DELAYS[0] == 5
    assert list(schedule.DELAYS) == sorted(schedule.DELAYS)
    assert 3 * 86_400 < sum(schedule.DELAYS) < 4 * 86_400


def test_after_the_last_try_there_is_no_other():
    assert schedule.delay_after(len(schedule.DELAYS)) is not None
    assert schedule.delay_after(len(schedule.DELAYS) + 1) is None


def test_the_sender_is_woken_by_the_name_of_its_task(wakes):
    schedule.wake_sender()
    assert wakes == [("webhooks.tasks.send_due_deliveries",)]


@pytest.fixture
def at_hand():
    """A sender in this process; return how often it was called."""
    calls = []
    schedule.at_hand(lambda: calls.append("called"))
    yield calls
    schedule.at_hand(None)


def test_a_sender_in_this_process_is_called_itself(at_hand, wakes):
    schedule.wake_sender()
    schedule.wake_sender(5)
    assert (at_hand, wakes) == (["called"], [("webhooks.tasks.send_due_deliveries",)])
