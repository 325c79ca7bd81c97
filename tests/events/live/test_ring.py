from events.encoding import Envelope
from events.live.ring import Ring


def ring_of(count, max_bytes=1000, start=10):
    ring = Ring(start, max_bytes)
    for position in range(start + 1, start + 1 + count):
        ring.append(Envelope(position, "t", "t.x.y", "x" * 10))
    return ring


def positions(ring, after):
    return [event.position for event in ring.between(after, 20)]


def test_it_gives_what_came_after_a_position():
    assert positions(ring_of(5), 12) == [13, 14, 15]


def test_it_covers_its_start_and_nothing_before():
    ring = ring_of(5)
    assert ring.covers(10)
    assert not ring.covers(9)


def test_the_oldest_leave_when_it_is_full():
    ring = ring_of(10, max_bytes=40)
    assert positions(ring, ring.start) == [17, 18, 19, 20]
    assert not ring.covers(15)


def test_what_the_log_holds_no_more_it_forgets_and_goes_on():
    ring = ring_of(5)
    ring.forget(13)
    assert not ring.covers(12) and positions(ring, 13) == [14, 15]
    ring.forget(99)
    ring.append(Envelope(16, "t", "t.x.y", "x"))
    assert ring.start == 15 and positions(ring, 15) == [16]


def test_at_its_end_there_is_nothing():
    assert positions(ring_of(3), 13) == []


def test_cleared_it_starts_where_it_is_told():
    ring = ring_of(3)
    ring.clear(99)
    assert positions(ring, 99) == []
    assert not ring.covers(98)


def test_an_event_is_replaced_in_its_place_and_no_other_is():
    ring = ring_of(10, max_bytes=60)
    for position in (11, 17, 21, 10**9):
        ring.replace(Envelope(position, "t", "t.x.y", "new"))
    assert [event.encoded for event in ring.between(16, 20)] == ["new", *["x" * 10] * 3]
    assert positions(ring, ring.start) == list(range(ring.start + 1, 21))


def test_what_is_replaced_counts_with_its_new_size():
    ring = ring_of(5, max_bytes=60)
    for position in range(11, 16):
        ring.replace(Envelope(position, "t", "t.x.y", ""))
    for position in range(16, 22):
        ring.append(Envelope(position, "t", "t.x.y", "x" * 10))
    assert ring.covers(10)
