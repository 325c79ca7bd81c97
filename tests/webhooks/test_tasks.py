import pytest

from events import wake
from webhooks import replays, schedule, sender, tasks


@pytest.fixture
def task(monkeypatch):
    """Run the sender's task over an engine that answers so; return what was done, in order, and what came back."""

    def run(sent, next_due):
        done = []
        monkeypatch.setattr(wake, "clear", lambda *flag: done.append(flag))
        monkeypatch.setattr(sender, "run", lambda: done.append("run") or sent)
        monkeypatch.setattr(sender, "next_due_seconds", lambda: next_due)
        monkeypatch.setattr(wake, "task", lambda *wanted: done.append(wanted))
        return tasks.send_due_deliveries(), done

    return run


def test_the_flag_is_down_before_the_sender_looks(task):
    assert task(3, None) == (3, [(schedule.SEND,), "run"])


@pytest.mark.parametrize("seconds", [0.0, 4.5])
def test_it_comes_back_when_the_next_is_due(task, seconds):
    assert task(0, seconds) == (0, [(schedule.SEND,), "run", (schedule.SEND, seconds)])


def test_beside_another_sender_it_does_not_come_back_for_what_that_one_sends(task):
    assert task(None, 0.0) == (0, [(schedule.SEND,), "run"])


def test_pruning_is_retentions(monkeypatch):
    monkeypatch.setattr("webhooks.retention.prune", lambda: 7)
    assert tasks.prune_deliveries() == 7


def test_replays_are_gone_on_with_once_their_flag_is_down(monkeypatch):
    done = []
    monkeypatch.setattr(wake, "clear", lambda *flag: done.append(flag))
    monkeypatch.setattr(replays, "run", lambda: done.append("run") or 2)
    assert tasks.run_replays() == 2
    assert done == [(schedule.REPLAY,), "run"]


def test_forgetting_keys_is_theirs(monkeypatch):
    monkeypatch.setattr("webhooks.keys.forget_retired", lambda: 3)
    assert tasks.forget_retired_keys() == 3
