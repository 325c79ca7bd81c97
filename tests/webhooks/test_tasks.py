import pytest

from events import wake
from webhooks import replays, schedule, sender, tasks


@pytest.fixture
def task(monkeypatch):
    """Run the sender's task over an engine that answers so; return what was done, in order, and what came back."""

    def run(sent):
        done = []
        monkeypatch.setattr(wake, "clear", lambda *flag: done.append(flag))
        monkeypatch.setattr(sender, "run", lambda: done.append("run") or sent)
        return tasks.send_due_deliveries(), done

    return run


def test_the_flag_is_down_before_the_sender_looks(task):
    assert task(3) == (3, [(schedule.SEND,), "run"])


def test_where_others_serve_all_endpoints_nothing_was_sent(task):
    assert task(None) == (0, [(schedule.SEND,), "run"])


def test_a_resident_sender_is_left_to_itself_while_it_lives(task):
    wake.show_resident(schedule.RESIDENT)
    assert task(3) == (0, [])
    wake.show_resident(schedule.RESIDENT, lives=False)
    assert task(3) == (3, [(schedule.SEND,), "run"])


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
