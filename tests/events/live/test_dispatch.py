import asyncio

from events.cursor import Cursor
from events.encoding import Envelope
from events.live import dispatch as module
from events.live.dispatch import Dispatch
from events.live.selection import Index


class Reader:
    """Takes batches, or fails at each."""

    def __init__(self, fails=False):
        self.taken, self.behind, self.fails = [], [], fails

    def take(self, batch):
        if self.fails:
            raise RuntimeError("cannot be told")
        self.taken.append(batch)

    def fall_behind(self, position, reset=""):
        self.behind.append(position)


def reading(index, reader, *topics):
    selection = index.selection(topics, ())
    selection.readers.add(reader)
    selection.join(reader, 0)
    return selection


def happen(dispatch, selection, *positions, soon=True):
    for position in positions:
        dispatch.add(selection, Envelope(position, "t", "t.x.y", f'{{"n":{position}}}'))
    (dispatch.send_soon if soon else dispatch.send_now)(Cursor("k3x9", positions[-1]))


def positions(reader):
    return [[event.position for event in batch.events] for batch in reader.taken]


async def test_the_first_leaves_at_once_and_what_comes_while_it_is_sent_leaves_together():
    dispatch, index, reader = Dispatch(), Index(), Reader()
    selection = reading(index, reader, "t")
    happen(dispatch, selection, 1)
    happen(dispatch, selection, 2)
    happen(dispatch, selection, 3)
    assert (positions(reader), dispatch.sent) == ([[1]], 1)
    while dispatch.sent < 3:
        await asyncio.sleep(0)
    assert positions(reader) == [[1], [2, 3]]


async def test_after_sending_the_next_wait_longer_the_longer_it_took(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module, "perf_counter", lambda: now[0])
    dispatch, index, reader = Dispatch(), Index(), Reader()
    selection = reading(index, reader, "t")
    happen(dispatch, selection, 1)
    now[0] += 0.002
    await asyncio.sleep(0)
    assert round(dispatch._next - now[0], 6) == 0.002**2 / module.EVEN_SECONDS
    happen(dispatch, selection, 2)
    assert positions(reader) == [[1]]
    now[0] += 10
    dispatch.stop()
    happen(dispatch, selection, 3)
    assert positions(reader) == [[1], [2, 3]]


async def test_the_wait_is_bounded(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module, "perf_counter", lambda: now[0])
    dispatch, index = Dispatch(), Index()
    happen(dispatch, reading(index, Reader(), "t"), 1)
    now[0] += 5
    await asyncio.sleep(0)
    assert round(dispatch._next - now[0], 6) == module.WINDOW_MAX_SECONDS


async def test_who_must_not_wait_does_not():
    dispatch, index, reader = Dispatch(), Index(), Reader()
    selection = reading(index, reader, "t")
    happen(dispatch, selection, 1)
    happen(dispatch, selection, 2, soon=False)
    assert (positions(reader), dispatch.sent) == ([[1], [2]], 2)


async def test_what_nobody_reads_counts_as_sent():
    dispatch = Dispatch()
    dispatch.send_soon(Cursor("k3x9", 7))
    assert dispatch.sent == 7


async def test_readers_of_different_selections_with_the_same_news_share_a_batch():
    dispatch, index, one, other = Dispatch(), Index(), Reader(), Reader()
    first, second = reading(index, one, "t", "a"), reading(index, other, "t", "b")
    event = Envelope(1, "t", "t.x.y", "{}")
    for selection in (first, second):
        dispatch.add(selection, event)
    dispatch.send_now(Cursor("k3x9", 1))
    assert one.taken[0] is other.taken[0]


async def test_one_that_fails_keeps_nothing_from_the_others():
    dispatch, index, bad, good = Dispatch(), Index(), Reader(fails=True), Reader()
    selection = reading(index, bad, "t")
    reading(index, good, "t")
    happen(dispatch, selection, 1)
    assert (positions(good), bad.behind) == ([[1]], [0])


async def test_started_anew_it_goes_on_from_there():
    dispatch, index, reader = Dispatch(), Index(), Reader()
    dispatch.restart(Cursor("k3x9", 40))
    happen(dispatch, reading(index, reader, "t"), 41)
    assert (reader.taken[0].start, str(reader.taken[0].cursor)) == (40, "k3x9-41")
