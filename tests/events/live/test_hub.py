import asyncio

import pytest
from asgiref.sync import sync_to_async

from events import channel, relay
from events.encoding import Envelope
from events.live.hub import Hub, current_hub
from events.models import Event, LogHead
from tests.events.live.conftest import LOCKED_UP, SAID, _say


class Ear:
    """Hears what it is sent."""

    def __init__(self):
        self.heard, self.behind, self.asked, self.changed = [], [], 0, asyncio.Event()

    def listen(self, hub, *topics):
        self.selection = hub.index.selection(topics, ())
        self.selection.readers.add(self)
        self.selection.join(self, hub.position)
        return self

    def take(self, batch):
        self.heard += [event.position for event in batch.events]
        self.changed.set()

    def fall_behind(self, position, reset=""):
        self.behind.append((position, reset))
        self.changed.set()

    def ask_again(self):
        self.asked += 1


def message(hub, *positions, topic="rooms.a", epoch=None, bare=False):
    events = [(position, topic, "live.word.said", "{}") for position in positions]
    first, last = positions[0], positions[-1]
    return {
        "type": "log.grew",
        "epoch": epoch or hub.epoch,
        "first": first,
        "last": last,
        "events": None if bare else events,
    }


async def told(hub, message):
    await hub._told(message)
    hub.send_now()


async def test_it_starts_at_the_head(hub, say):
    await say("one")
    other = Hub()
    await other.start()
    assert str(other.cursor) == str(await sync_to_async(LogHead.objects.get)())
    await other.stop()


async def test_from_its_start_it_remembers_what_has_happened_lately(hub, say, monkeypatch):
    monkeypatch.setattr("events.live.hub.REMEMBERED", 3)
    monkeypatch.setattr("events.live.hub.PAGE", 2)
    await say(*"abcde")
    other = Hub()
    await other.start()
    assert [event.position for event in other.ring.between(2, 5)] == [3, 4, 5]
    assert not other.ring.covers(1)
    await other.stop()


async def test_there_is_one_hub_on_a_loop(hub):
    assert await current_hub() is hub


async def test_it_goes_on_by_dense_positions(hub):
    ear = Ear().listen(hub, "rooms.a")
    await told(hub, message(hub, 1, 2))
    assert ear.heard == [1, 2]
    assert hub.position == 2


async def test_what_it_knows_already_is_not_offered_again(hub):
    ear = Ear().listen(hub, "rooms.a")
    await told(hub, message(hub, 1, 2))
    await told(hub, message(hub, 1, 2))
    await told(hub, message(hub, 2, 3))
    assert ear.heard == [1, 2, 3]


async def test_a_lost_message_is_read_from_the_log(hub, say):
    ear = Ear().listen(hub, "rooms.a")
    await say("one")
    await say("two")
    await told(hub, message(hub, 2))
    assert ear.heard == [1, 2]


async def test_a_bare_hint_is_read_from_the_log(hub, say):
    ear = Ear().listen(hub, "rooms.a")
    await say("one")
    await told(hub, message(hub, 1, bare=True))
    assert ear.heard == [1]


async def test_a_topic_nobody_reads_is_offered_to_nobody(hub, say):
    ear = Ear().listen(hub, "rooms.b")
    await say("one")
    await hub.refresh()
    hub.send_now()
    assert ear.heard == []
    assert hub.position == 1


async def test_who_has_left_hears_nothing(hub):
    ear = Ear().listen(hub, "rooms.a")
    ear.selection.leave(ear)
    await told(hub, message(hub, 1))
    assert ear.heard == []
    assert not hub.index


async def test_another_epoch_is_told_to_every_reader(hub, say):
    ear = Ear().listen(hub, "rooms.a")
    await say("one")
    await hub.refresh()
    await sync_to_async(LogHead.objects.update)(epoch="other1")
    await hub.refresh()
    assert ear.behind == [(1, "epoch")]
    assert ear.asked == 1
    assert str(hub.cursor) == "other1-1"


async def test_far_behind_it_jumps_and_lets_readers_read_for_themselves(hub, say, monkeypatch):
    monkeypatch.setattr("events.live.hub.JUMP", 2)
    ear = Ear().listen(hub, "rooms.a")
    await say("one", "two", "three")
    await hub.refresh()
    hub.send_now()
    assert ear.heard == []
    assert ear.behind == [(0, "")]
    assert not hub.ring.covers(2)


async def test_after_a_jump_everyone_is_asked_again_even_who_reads_nothing(hub, say, monkeypatch):
    monkeypatch.setattr("events.live.hub.JUMP", 2)
    ear = Ear()
    hub.index.own("users.7", ear)
    await say("one")
    await hub.refresh()
    await say("two", "three", "four")
    await hub.refresh()
    assert ear.asked == 1


async def test_what_came_before_a_change_of_rights_is_sent_before_anybody_is_asked(hub):
    ear, heard_when_asked = Ear().listen(hub, "rooms.a"), []
    ear.ask_again = lambda: heard_when_asked.append(list(ear.heard))
    hub._dispatch._next = float("inf")
    change = Envelope(2, "rooms.a", "access.key.revoked", "{}")
    hub._advance([Envelope(1, "rooms.a", "live.word.said", "{}"), change, change._replace(position=3)])
    assert heard_when_asked == [[1, 2], [1, 2, 3]]


async def test_a_log_that_is_cut_before_it_was_read_leaves_no_hole_in_memory(hub, say):
    ear = Ear().listen(hub, "rooms.a")
    await say("one", "two", "three")
    await sync_to_async(LogHead.objects.update)(pruned=1)
    await sync_to_async(Event.objects.filter(position=1).delete)()
    await hub.refresh()
    hub.send_now()
    assert (ear.heard, ear.behind, hub.position) == ([], [(0, "")], 3)
    assert not hub.ring.covers(2)


async def test_the_channel_layer_tells_it_at_once(hub, say, telling):
    ear = Ear().listen(hub, "rooms.a")
    await say("one")
    await asyncio.wait_for(ear.changed.wait(), 5)
    assert ear.heard == [1]


async def test_silence_of_the_channel_layer_heals_by_comparing_heads(hub, say):
    ear = Ear().listen(hub, "rooms.a")
    await say("one")
    await asyncio.wait_for(ear.changed.wait(), 5)
    assert ear.heard == [1]


async def test_without_a_worker_it_relays_what_has_waited_too_long(hub, monkeypatch):
    monkeypatch.setattr("events.live.hub.OUTBOX_PATIENCE_SECONDS", 0)
    ear = Ear().listen(hub, "rooms.a")
    await sync_to_async(_say)(["one"], "rooms.a", SAID)
    await asyncio.wait_for(ear.changed.wait(), 5)
    assert ear.heard == [1]


async def test_a_database_that_is_away_for_a_moment_does_not_end_it(hub, say, monkeypatch):
    ear, failed, head = Ear().listen(hub, "rooms.a"), [], relay.ensure_epoch

    def fail_once():
        if not failed:
            failed.append(True)
            raise ConnectionError("away")
        return 0.0

    monkeypatch.setattr("events.log.oldest_waiting_seconds", fail_once)
    await say("one")
    await asyncio.wait_for(ear.changed.wait(), 5)
    assert failed and ear.heard == [1] and head


async def test_a_channel_layer_that_fails_is_joined_again(hub, say, telling, monkeypatch):
    monkeypatch.setattr("events.live.hub.WATCH_SECONDS", 3600)
    monkeypatch.setattr("events.live.hub.RETRY_SECONDS", 0)
    messages, joined = channel.messages, []

    async def broken_once():
        joined.append(True)
        if len(joined) == 1:
            raise ConnectionError("gone")
        async for found in messages():
            yield found

    monkeypatch.setattr(channel, "messages", broken_once)
    other = Hub()
    await other.start()
    ear = Ear().listen(other, "rooms.a")
    while not ear.heard:
        await say("again")
        await asyncio.wait([asyncio.create_task(ear.changed.wait())], timeout=0.2)
    assert len(joined) == 2
    await other.stop()


@pytest.mark.parametrize(("epoch", "position", "reason"), [("other1", 0, "epoch"), (None, 9, "ahead"), (None, 0, None)])
async def test_it_refuses_cursors_that_cannot_go_on(hub, epoch, position, reason):
    from events.cursor import Cursor

    assert hub.refuses(Cursor(epoch or hub.epoch, position)) == reason


async def test_up_to_a_change_of_rights_is_sent_and_what_is_after_it_waits(hub, say):
    ear = Ear().listen(hub, "rooms.a")
    seen = []

    def ask_again():
        seen.append((hub.sent, list(ear.heard)))
        ear.selection.leave(ear)

    ear.ask_again = ask_again
    await sync_to_async(_say)(["one"], "rooms.a", SAID)
    await sync_to_async(_say)(["key"], "rooms.a", LOCKED_UP)
    await say("two")
    version = hub.rights_version
    await hub.refresh()
    hub.send_now()
    assert seen == [(2, [1, 2])]
    assert ear.heard == [1, 2]
    assert hub.rights_version == version + 1


@pytest.mark.parametrize("change", [{"epoch": "other1"}, {"position": 9000}])
async def test_what_it_skips_may_have_changed_rights_even_of_those_who_read_nothing(hub, say, change):
    reader, owner = Ear().listen(hub, "rooms.a"), Ear()
    hub.index.own("users.1", owner)
    await sync_to_async(LogHead.objects.update)(**change)
    await hub.refresh()
    assert (reader.asked, owner.asked) == (1, 1)


async def test_one_reader_that_fails_takes_nothing_from_the_others(hub, say):
    broken, ears = Ear().listen(hub, "rooms.a"), [Ear().listen(hub, "rooms.a") for _ in range(5)]

    def fail(batch):
        raise ValueError("broken")

    broken.take = fail
    await say("one")
    await hub.refresh()
    hub.send_now()
    assert [ear.heard for ear in ears] == [[1]] * 5
    assert broken.behind == [(0, "")]


async def test_a_log_with_a_hole_is_not_taken_for_a_whole_one(hub, say):
    ear = Ear().listen(hub, "rooms.a")
    await say("one", "two", "three")
    await sync_to_async(Event.objects.filter(position=2).delete)()
    await hub.refresh()
    hub.send_now()
    assert ear.heard == []
    assert ear.behind == [(0, "")]
    assert (hub.position, hub.ring.covers(2)) == (3, False)


async def test_what_comes_while_much_is_sent_leaves_together(hub, say):
    ear = Ear().listen(hub, "rooms.a")
    batches = []
    ear.take = lambda batch: batches.append([event.position for event in batch.events])
    hub._dispatch._next = float("inf")
    await hub._told(message(hub, 1))
    await hub._told(message(hub, 2, 3))
    assert batches == []
    hub.send_now()
    assert batches == [[1, 2, 3]]


async def test_what_is_redacted_is_said_no_more_from_memory(hub):
    first = hub.position + 1
    await told(hub, message(hub, first, first + 1))
    blank = (first, "rooms.a", "live.word.said", '"blank"')
    await told(hub, {"type": "log.redacted", "epoch": "other", "events": [blank]})
    assert [event.encoded for event in hub.ring.between(first - 1, first + 1)] == ["{}", "{}"]
    await told(hub, {"type": "log.redacted", "epoch": hub.epoch, "events": [blank]})
    assert [event.encoded for event in hub.ring.between(first - 1, first + 1)] == ['"blank"', "{}"]
