import pytest
from asgiref.sync import sync_to_async

from events import retention
from events.cursor import Cursor
from events.live import subscription as module
from events.live.subscription import Form, Reset, Subscription
from events.models import Checkpoint, Event, LogHead
from tests.events.live.conftest import WHISPERED, words


class Owner:
    """A connection that keeps what it is offered, while it takes anything."""

    def __init__(self):
        self.takes, self.sent, self.asked = True, [], 0

    def offer(self, batch):
        if self.takes:
            self.sent.append(batch)
        return self.takes

    def catch_up(self):
        """Left to the test."""

    def ask_again(self):
        self.asked += 1


def subscription(hub, *topics, types=()):
    reader = Subscription(hub, Owner(), 1, topics or ["rooms.a"], types, Form("plain", lambda batch: batch))
    return reader


async def begin(reader, after=None):
    place = await reader.locate(after)
    reader.read(reader.names)
    return place


async def drain(reader):
    """Return all that the reader has for sending now."""
    while not reader.is_live:
        batch = await reader.next()
        assert not isinstance(batch, Reset)
        if batch is not None:
            reader._owner.sent.append(batch)
    reader._hub.send_now()
    sent, reader._owner.sent = reader._owner.sent, []
    return words(event for batch in sent for event in batch.events), sent[-1].cursor if sent else None


async def test_it_gets_what_it_missed_then_what_happens(hub, say):
    await say("one", "two")
    await hub.refresh()
    reader = subscription(hub)
    await begin(reader, Cursor(hub.epoch, 1))
    await say("three")
    await hub.refresh()
    assert (await drain(reader))[0] == ["two", "three"]


async def test_without_a_cursor_it_starts_at_the_head(hub, say):
    await say("before")
    await hub.refresh()
    reader = subscription(hub)
    assert await begin(reader) == hub.cursor
    await say("after")
    await hub.refresh()
    assert (await drain(reader))[0] == ["after"]


async def test_over_several_topics_events_come_in_position_order(hub, say):
    await say("a1")
    await say("b1", topic="rooms.b")
    await say("x1", topic="rooms.x")
    await say("a2")
    await hub.refresh()
    reader = subscription(hub, "rooms.b", "rooms.a")
    await begin(reader, Cursor(hub.epoch, 0))
    assert (await drain(reader))[0] == ["a1", "b1", "a2"]


async def test_the_cursor_passes_what_is_filtered_out(hub, say):
    reader = subscription(hub, types=["live.word.said"])
    await begin(reader)
    await say("said")
    await say("psst", type=WHISPERED)
    await hub.refresh()
    found, cursor = await drain(reader)
    assert found == ["said"]
    assert cursor == reader.cursor == hub.cursor


@pytest.mark.parametrize("page", [1, 2, 200])
async def test_what_is_not_in_memory_comes_from_the_log_page_by_page(hub, say, monkeypatch, page):
    monkeypatch.setattr("events.live.hub.READER_PAGE", page)
    await say(*"abcdef")
    await hub.refresh()
    hub.ring.clear(hub.position)
    reader = subscription(hub)
    await begin(reader, Cursor(hub.epoch, 1))
    assert (await drain(reader))[0] == list("bcdef")


async def test_events_that_come_while_it_reads_the_log_are_neither_lost_nor_doubled(hub, say, monkeypatch):
    monkeypatch.setattr("events.live.hub.READER_PAGE", 2)
    await say(*"abcdef")
    await hub.refresh()
    hub.ring.clear(hub.position)
    reader = subscription(hub)
    await begin(reader, Cursor(hub.epoch, 0))
    first = words((await reader.next()).events)
    await say("g")
    await hub.refresh()
    assert first + (await drain(reader))[0] == list("abcdefg")


async def test_who_cannot_take_a_batch_holds_nothing_and_reads_it_later(hub, say):
    reader = subscription(hub)
    await begin(reader)
    await drain(reader)
    reader._owner.takes = False
    await say(*(f"word {number}" for number in range(50)))
    await hub.refresh()
    hub.send_now()
    assert not reader.is_live
    reader._owner.takes = True
    assert (await drain(reader))[0] == [f"word {number}" for number in range(50)]
    assert reader.is_live


async def test_a_cursor_of_another_epoch_is_reset(hub, say):
    await say("one")
    await hub.refresh()
    reader = subscription(hub)
    await begin(reader, Cursor("other1", 0))
    assert reader.cursor == Cursor("other1", 0)
    batch = await reader.next()
    assert batch == Reset("epoch", hub.cursor)
    await say("two")
    await hub.refresh()
    assert (await drain(reader))[0] == ["two"]


async def test_a_cursor_ahead_of_the_head_is_waited_for_then_reset(hub, monkeypatch):
    monkeypatch.setattr(module, "AHEAD_PATIENCE_SECONDS", 0.05)
    reader = subscription(hub)
    await begin(reader, Cursor(hub.epoch, 5))
    assert (await reader.next()).reason == "ahead"


async def test_a_cursor_that_is_only_quicker_than_this_process_goes_on(hub, say):
    await say("one")
    assert hub.position == 0
    reader = subscription(hub)
    await begin(reader, Cursor(hub.epoch, 1))
    assert await reader.next() is None


def prune_all():
    Checkpoint.objects.update(position=LogHead.objects.get().position)
    Event.objects.update(logged_at="2020-01-01T00:00:00Z")
    return retention.prune()


async def test_a_cursor_past_retention_is_reset_and_never_partly_served(hub, say):
    await say("one", "two")
    await hub.refresh()
    hub.ring.clear(hub.position)
    assert await sync_to_async(prune_all)() == 2
    reader = subscription(hub)
    await begin(reader, Cursor(hub.epoch, 0))
    batch = await reader.next()
    assert isinstance(batch, Reset) and batch.reason == "retention"


async def test_rows_pruned_while_it_pages_are_a_reset_not_a_gap(hub, say, monkeypatch):
    monkeypatch.setattr("events.live.hub.READER_PAGE", 1)
    await say("one", "two", "three")
    await hub.refresh()
    hub.ring.clear(hub.position)
    reader = subscription(hub)
    await begin(reader, Cursor(hub.epoch, 0))
    assert words((await reader.next()).events) == ["one"]
    await sync_to_async(prune_all)()
    assert (await reader.next()).reason == "retention"


async def test_a_new_epoch_while_it_is_live_is_a_reset(hub, say):
    reader = subscription(hub)
    await begin(reader)
    await drain(reader)
    await sync_to_async(LogHead.objects.update)(epoch="other1")
    await hub.refresh()
    assert (await reader.next()).reason == "epoch"


async def test_a_new_epoch_while_it_is_being_made_is_a_reset(hub, say):
    await say("one")
    await hub.refresh()
    reader = subscription(hub)
    await reader.locate(None)
    await sync_to_async(LogHead.objects.update)(epoch="other1")
    await hub.refresh()
    reader.read(reader.names)
    assert await reader.next() == Reset("epoch", Cursor("other1", 1))


async def test_when_the_hub_jumps_it_reads_its_own_part_of_the_log(hub, say, monkeypatch):
    monkeypatch.setattr("events.live.hub.JUMP", 1)
    reader = subscription(hub)
    await begin(reader)
    await drain(reader)
    await say("one", "two", "three")
    await hub.refresh()
    assert (await drain(reader))[0] == ["one", "two", "three"]


async def test_a_topic_it_no_longer_reads_is_not_even_sent_from_memory(hub, say):
    reader = subscription(hub, "rooms.a", "rooms.b")
    await begin(reader)
    await drain(reader)
    reader.hold()
    await say("secret")
    await say("open", topic="rooms.b")
    await hub.refresh()
    reader.read({"rooms.b"})
    assert (await drain(reader))[0] == ["open"]


async def test_at_its_end_it_is_sent_nothing(hub, say):
    reader = subscription(hub)
    await begin(reader)
    await drain(reader)
    reader.end()
    assert not hub.index


async def test_who_has_seen_some_of_what_still_waits_to_be_sent_misses_nothing_of_the_rest(hub, say):
    other = subscription(hub)
    await begin(other)
    await drain(other)
    hub._dispatch._next = float("inf")
    await say("one", "two", "three")
    await hub.refresh()
    assert (hub.sent, hub.position) == (0, 3)
    reader = subscription(hub)
    await begin(reader, Cursor(hub.epoch, 1))
    assert (await drain(reader))[0] == ["two", "three"]
    assert words(event for batch in other._owner.sent for event in batch.events) == ["one", "two", "three"]


async def test_a_log_that_became_another_one_while_it_was_made_is_a_reset(hub, say):
    await say("one")
    await hub.refresh()
    reader = subscription(hub)
    await reader.locate(Cursor(hub.epoch, 1))
    await sync_to_async(LogHead.objects.update)(epoch="other1")
    await hub.refresh()
    reader.read(reader.names)
    assert await reader.next() == Reset("epoch", hub.cursor)
