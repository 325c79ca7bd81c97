import json
import os
import signal
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from events import log, subscribers
from events.actions import record
from events.management.commands import events as command


def run(*arguments):
    out = StringIO()
    call_command("events", *arguments, stdout=out)
    return out.getvalue()


def things(printed):
    return [json.loads(line)["data"]["thing"] for line in printed.splitlines()]


def test_the_tail_begins_at_the_head(tell):
    tell("before")
    assert run("tail", "--once") == ""


def test_the_tail_after_a_cursor_is_the_events_of_the_wire_one_a_line(tell, announced):
    start = log.head().cursor
    tell("a", "b")
    printed = run("tail", "--once", "--after", str(start))
    assert things(printed) == ["a", "b"]
    assert printed.splitlines() == [event.encoded for event in announced[0][1]]


def test_more_than_a_page_is_printed(tell, monkeypatch):
    monkeypatch.setattr(command, "PAGE", 2)
    start = log.head().cursor
    tell(*"abcde")
    assert things(run("tail", "--once", "--after", str(start))) == list("abcde")


def test_only_the_topics_that_were_asked_for_are_printed_each_event_once(tell):
    start = log.head().cursor
    for thing, topic in zip("abc", ("tests.1", "tests.2", "tests.3"), strict=True):
        tell(thing, topic=topic)
    asked = ["--topic", "tests.3", "--topic", "tests.1", "--topic", "tests.1"]
    assert things(run("tail", "--once", "--after", str(start), *asked)) == ["a", "c"]


def test_the_tail_goes_on_with_what_comes_until_it_is_interrupted(tell, monkeypatch):
    come = ["b", "c"]

    def wait(seconds):
        if not come:
            raise KeyboardInterrupt
        tell(come.pop(0))

    monkeypatch.setattr(command.time, "sleep", wait)
    assert things(run("tail")) == ["b", "c"]


@pytest.mark.parametrize("cursor", ["nonsense", "k3x9-", "-1"])
def test_a_bad_cursor_is_said_to_be_none(db, cursor):
    with pytest.raises(CommandError, match="not a cursor"):
        run("tail", "--once", f"--after={cursor}")


@pytest.mark.parametrize(("epoch", "ahead", "reason"), [("zzzz", 0, "epoch"), (None, 5, "ahead")])
def test_a_cursor_that_cannot_go_on_is_refused_with_the_reason(db, epoch, ahead, reason):
    head = log.head()
    with pytest.raises(CommandError, match=reason):
        run("tail", "--once", f"--after={epoch or head.epoch}-{head.position + ahead}")


def test_what_is_no_topic_is_refused(db):
    with pytest.raises(CommandError, match="'a b' is not a topic"):
        run("tail", "--once", "--topic", "a b")


def test_a_new_epoch_ends_every_cursor_and_keeps_positions(tell):
    tell("a")
    before = log.head()
    assert f"{log.head().epoch}-" not in run("new-epoch")
    after = log.head()
    assert after.refuses(before.cursor) == "epoch"
    assert after.position == before.position


@pytest.mark.django_db(transaction=True)
def test_the_relay_moves_what_is_committed_until_a_signal_ends_it(monkeypatch, happened):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), sys.getswitchinterval()
    monkeypatch.setattr("events.channel.on_call", lambda called: None)
    with transaction.atomic():
        record(happened, topic="tests.1", subject="s", data={"thing": "a"})
    monkeypatch.setattr(subscribers, "wake_all", lambda: os.kill(os.getpid(), signal.SIGTERM))
    start = log.head().position
    try:
        assert "Relaying" in run("relay")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
        sys.setswitchinterval(before[2])
    assert log.head().position == start + 1


def test_without_a_verb_the_command_says_what_it_knows():
    with pytest.raises(CommandError, match="verb"):
        run()
