from events.cursor import Cursor
from events.encoding import Envelope
from events.live import batch as module
from events.live.batch import Batch, Notice, batches

END = Cursor("k3x9", 20)


def event(position, size=10):
    return Envelope(position, "t", "t.x.y", "x" * size)


def split(events, start=0):
    return [(each.start, [one.position for one in each.events], each.cursor) for each in batches(events, start, END)]


def test_what_fits_leaves_together_and_reaches_to_the_end():
    assert split([event(3), event(7)], start=2) == [(2, [3, 7], END)]


def test_of_nothing_there_is_no_batch():
    assert split([]) == []


def test_many_bytes_are_split_and_each_batch_begins_where_the_one_before_reached(monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 25)
    assert split([event(number) for number in (1, 2, 4, 5, 9)]) == [
        (0, [1, 2], Cursor("k3x9", 2)),
        (2, [4, 5], Cursor("k3x9", 5)),
        (5, [9], END),
    ]


def test_an_event_larger_than_a_batch_leaves_alone(monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 25)
    assert [found for _, found, _ in split([event(1), event(2, size=100), event(3)])] == [[1], [2], [3]]


def test_a_form_is_rendered_once_for_all_who_are_told_it():
    batch, rendered = Batch(0, [event(1)], END), []

    def render(found):
        rendered.append(found)
        return {"text": found.joined(",")}

    assert batch.form("one", render) is batch.form("one", render)
    assert batch.form("other", render) == {"text": "x" * 10}
    assert rendered == [batch, batch]


def test_a_notice_is_rendered_once_for_each_transport():
    notice = Notice("operations", {"n": 1})
    first = notice.form("frames", lambda topic, data: {"text": f"{topic} {data}"})
    assert notice.form("frames", lambda topic, data: {"text": "again"}) is first
    assert notice.form("lines", lambda topic, data: {"text": "other"}) == {"text": "other"}
