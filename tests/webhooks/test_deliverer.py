import asyncio
import signal
import subprocess
import sys
import threading

import pytest
from django.core.management import CommandError, call_command

from events import wake
from tests.webhooks.conftest import settled
from tests.webhooks.test_sender import CHECKOUT, environment, wait_for, when
from webhooks import deliverer, schedule
from webhooks.deliverer import Deliverer

pytestmark = pytest.mark.django_db(transaction=True)


class Hearing:
    def cancel(self):
        pass


class Calls(dict):
    """What is called by which name; `all_heard` once there are two."""

    def __init__(self):
        self.all_heard = threading.Event()

    def hear(self, name, called):
        self[name] = called
        if len(self) == 2:
            self.all_heard.set()
        return Hearing()


@pytest.fixture
def calls(monkeypatch):
    """What the channel layer calls: for growth of the log, and for the resident of a name."""
    calls = Calls()
    monkeypatch.setattr("events.channel.on_growth", lambda called: calls.hear("growth", called))
    monkeypatch.setattr("events.channel.on_call", lambda called, name: calls.hear(name, called))
    monkeypatch.setattr(deliverer.gc, "freeze", lambda: None)
    monkeypatch.setattr(deliverer.gc, "set_threshold", lambda *numbers: None)
    monkeypatch.setattr(deliverer.sys, "setswitchinterval", lambda seconds: None)
    return calls


@pytest.fixture
def delivering(calls):
    """A deliverer in a thread of its own; it is ended with the test."""
    one = Deliverer()
    thread = threading.Thread(target=one.run)
    thread.start()
    assert calls.all_heard.wait(10)
    yield one
    one.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_what_is_new_in_the_log_is_delivered_at_once(endpoint, alice, ring, receiver, calls, delivering):
    endpoint(alice, url=f"{receiver.url}/hook", event_types=["tests.bell.rang"])
    ring("ding")
    calls["growth"]()
    wait_for(receiver, lambda: receiver.got)
    assert receiver.sounds() == ["ding"]
    assert wake.resident_lives(schedule.RESIDENT)


def test_it_is_called_by_other_processes_and_takes_the_flag_down_first(
    endpoint, alice, deliver, receiver, calls, delivering, monkeypatch
):
    cleared = []
    monkeypatch.setattr(wake, "clear", lambda *flag: cleared.append((flag, list(receiver.got))))
    endpoint(alice, url=f"{receiver.url}/hook")
    deliver("ding")
    calls["deliver"]()
    wait_for(receiver, lambda: receiver.got)
    assert ((schedule.SEND,), []) in cleared


def test_when_it_ends_the_others_are_woken_again(calls):
    one = Deliverer()
    one.stop()
    one.run()
    assert not wake.resident_lives(schedule.RESIDENT)
    assert schedule._at_hand is None


def test_a_sender_that_fails_is_followed_by_another(endpoint, alice, deliver, receiver, calls, monkeypatch):
    monkeypatch.setattr(deliverer, "RETRY_SECONDS", 0)
    endpoint(alice, url=f"{receiver.url}/hook")
    deliver("ding")
    one, real, failed = Deliverer(), deliverer.Sender, []

    async def fail():
        failed.append(True)
        raise RuntimeError("broken")

    monkeypatch.setattr(one._sender, "run", fail)
    thread = threading.Thread(target=one.run)
    thread.start()
    wait_for(receiver, lambda: receiver.got)
    one.stop()
    thread.join(30)
    assert failed == [True]
    assert isinstance(one._sender, real)


def test_secrets_are_brought_under_the_present_key_and_counted(endpoint, alice, settings, capsys):
    settings.SECRET_KEY = "old"
    endpoint(alice)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    call_command("webhooks", "secrets")
    assert capsys.readouterr().out.startswith("1 secrets are under")
    settings.SECRET_KEY_FALLBACKS = []
    call_command("webhooks", "secrets")
    assert capsys.readouterr().out.startswith("0 secrets")


def test_secrets_that_no_known_key_reads_are_an_error_that_says_what_to_do(endpoint, alice, settings):
    settings.SECRET_KEY = "old"
    endpoint(alice)
    settings.SECRET_KEY = "new"
    with pytest.raises(CommandError, match="SECRET_KEY_FALLBACKS"):
        call_command("webhooks", "secrets")


def test_another_verb_is_refused():
    with pytest.raises(CommandError):
        call_command("webhooks", "dance")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_the_process_lets_what_flies_land_and_ends_well(endpoint, alice, deliver, receiver, number):
    endpoint(alice, url=f"{receiver.url}/hook")
    [delivery] = deliver("ding")
    go_on = []
    receiver.answers["/hook"] = when(receiver, lambda: go_on)
    command = [sys.executable, "manage.py", "webhooks", "deliver"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environment(), **pipes)
    try:
        wait_for(receiver, lambda: receiver.got)
        process.send_signal(number)

        async def let_go():
            async with receiver.news:
                go_on.append(True)
                receiver.news.notify_all()

        asyncio.run_coroutine_threadsafe(let_go(), receiver.loop).result(10)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
    assert settled(delivery) == ("succeeded", 1, 200)
