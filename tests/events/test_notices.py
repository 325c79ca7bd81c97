import threading

import pytest

from events import channel, notices
from events.notices import Teller


def words(said):
    """Tell words together, by topic."""
    for topic in dict(said):
        yield topic, lambda topic=topic: {"words": [word for place, word in said if place == topic]}


def shouts(said):
    """Tell the same louder."""
    for topic, word in said:
        yield topic, lambda word=word: {"words": [word.upper()]}


@pytest.fixture(autouse=True)
def _kinds(monkeypatch):
    monkeypatch.setattr(notices, "are_told_on", lambda topic: topic.startswith("rooms."))


@pytest.fixture
def told(monkeypatch):
    """What the channel layer was given."""
    told = []
    monkeypatch.setattr(channel, "notify_now", lambda pairs: told.extend(pairs))
    return told


@pytest.fixture
def teller(monkeypatch):
    monkeypatch.setattr(notices, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(notices, "BREAKER_SECONDS", 0)
    return Teller()


@pytest.fixture
def held(monkeypatch, teller):
    """A cache that does not answer before it is let go."""
    entered, go_on = threading.Event(), threading.Event()
    ask = notices.is_something_read

    def wait():
        entered.set()
        go_on.wait(30)
        return ask()

    monkeypatch.setattr(notices, "is_something_read", wait)
    yield entered, go_on
    go_on.set()
    teller.flush(10)


def test_news_reach_a_topic_that_somebody_reads(teller, told):
    notices.show_read(["rooms.a"])
    teller.tell(words, [("rooms.a", "hello")])
    teller.flush(10)
    assert told == [("rooms.a", {"words": ["hello"]})]


def test_nothing_is_made_or_sent_for_a_topic_that_nobody_reads(teller, told):
    notices.show_read(["rooms.b"])
    teller.tell(lambda said: [("rooms.a", lambda: pytest.fail("nobody asked for it"))], ["hello"])
    teller.flush(10)
    assert told == []


def test_while_nobody_reads_any_notices_nobody_looks_at_the_things(teller, told):
    looked = []
    teller.tell(lambda said: looked.append(said) or [], ["hello"])
    teller.flush(10)
    assert looked == told == []


def test_what_comes_while_something_is_told_is_told_together(teller, told, held):
    entered, go_on = held
    notices.show_read(["rooms.a"])
    teller.tell(words, [("rooms.a", "first")])
    assert entered.wait(10)
    for word in ("second", "third"):
        teller.tell(words, [("rooms.a", word)])
    teller.tell(shouts, [("rooms.a", "hey")])
    go_on.set()
    teller.flush(10)
    assert [data["words"] for _, data in told] == [["first"], ["second", "third"], ["HEY"]]


def test_with_a_cache_that_hangs_nothing_grows_and_nobody_waits(teller, held, monkeypatch):
    monkeypatch.setattr(notices, "WAITING_LIMIT", 3)
    entered, _ = held
    teller.tell(words, [("rooms.x", "first")])
    assert entered.wait(10)
    for number in range(10):
        teller.tell(words, [(f"rooms.{number}", "more")] * 2)
    assert len(teller._waiting[words]) == 2


def test_trouble_with_the_channel_layer_is_not_the_tellers_and_passes(teller, told, monkeypatch):
    notices.show_read(["rooms.a"])
    tell = channel.notify_now

    def fail(pairs):
        monkeypatch.setattr(channel, "notify_now", tell)
        raise ConnectionError("dead")

    monkeypatch.setattr(channel, "notify_now", fail)
    teller.tell(words, [("rooms.a", "lost")])
    teller.flush(10)
    teller.tell(words, [("rooms.a", "told")])
    teller.flush(10)
    assert told == [("rooms.a", {"words": ["told"]})]


def test_a_topic_counts_as_read_once_that_was_shown_and_not_for_ever(monkeypatch):
    notices.show_read(["rooms.a", "rooms.b", "feeds.1"])
    assert notices.read_among(["rooms.a", "rooms.c", "feeds.1"]) == {"rooms.a"}
    monkeypatch.setattr(notices, "READ_SECONDS", 0)
    notices.show_read(["rooms.a"])
    assert notices.read_among(["rooms.a"]) == set()


def test_a_forked_child_begins_with_nothing(teller, held):
    entered, _ = held
    teller.tell(words, [("rooms.x", "first")])
    assert entered.wait(10)
    teller.tell(words, [("rooms.y", "second")])
    teller.begin()
    assert not teller._waiting
    assert teller._thread is None
