import gc

import pytest

from events.encoding import Envelope
from events.live.selection import Index


class Reader:
    """Is only there."""


def event(topic, type="rooms.word.said"):
    return Envelope(1, topic, type, "{}")


@pytest.fixture
def index():
    return Index()


def test_who_asks_for_the_same_shares_a_selection(index):
    one = index.selection(["a.1", "a.2"], ["x.*"])
    assert index.selection(["a.2", "a.1", "a.1"], ["x.*"]) is one
    assert index.selection(["a.1"], ["x.*"]) is not one
    assert index.selection(["a.1", "a.2"], []) is not one


def test_it_holds_what_is_on_its_topics_and_of_its_types(index):
    chosen = index.selection(["rooms.a"], ["rooms.word.*"])
    assert chosen.holds(event("rooms.a"))
    assert not chosen.holds(event("rooms.b"))
    assert not chosen.holds(event("rooms.a", "rooms.door.shut"))
    assert index.selection(["rooms.a"], []).holds(event("rooms.a", "rooms.door.shut"))


def test_it_is_found_by_its_topics_while_somebody_is_live(index):
    chosen, one, two = index.selection(["a.1", "a.2"], []), Reader(), Reader()
    assert not index
    chosen.join(one, 5)
    chosen.join(two, 7)
    assert list(index.on("a.2")) == [chosen]
    assert chosen.since == 5
    chosen.leave(one)
    assert list(index.on("a.1")) == [chosen]
    chosen.leave(two)
    chosen.leave(two)
    assert not index and not index.on("a.1")


def test_what_waits_when_the_last_one_leaves_is_nobodys(index):
    chosen, reader = index.selection(["a.1"], []), Reader()
    chosen.join(reader, 5)
    chosen.pending.append(event("a.1"))
    chosen.leave(reader)
    chosen.join(reader, 9)
    assert (chosen.pending, chosen.since) == ([], 9)


def test_a_selection_nobody_reads_is_forgotten(index):
    chosen, reader = index.selection(["a.1"], []), Reader()
    chosen.readers.add(reader)
    chosen.join(reader, 1)
    chosen.leave(reader)
    chosen.readers.discard(reader)
    del chosen
    gc.collect()
    assert not list(index._selections)


def test_a_change_of_rights_concerns_readers_of_the_topic_of_those_under_it_and_whose_own_it_is(index):
    on, under, beside, own = Reader(), Reader(), Reader(), Reader()
    kept = []
    for reader, topic in ((on, "feeds.4"), (under, "feeds.4.followers"), (beside, "feeds.42")):
        chosen = index.selection([topic], [])
        chosen.readers.add(reader)
        kept.append(chosen)
    index.own("feeds.4", own)
    assert set(index.concerned("feeds.4")) == {on, under, own}
    index.disown("feeds.4", own)
    index.disown("feeds.4", own)
    assert set(index.concerned("feeds.4")) == {on, under}


def test_nobody_has_the_empty_topic_for_its_own(index):
    index.own("", Reader())
    assert list(index.concerned("")) == []
    assert not index._own


def test_everyone_is_who_reads_and_who_only_has_a_topic(index):
    reads, has = Reader(), Reader()
    chosen = index.selection(["a.1"], [])
    chosen.readers.add(reads)
    index.own("users.1", has)
    assert set(index.everyone()) == {reads, has}
    assert set(index.readers()) == {reads}
