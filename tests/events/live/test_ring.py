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


def test_at_its_end_there_is_nothing():
    assert positions(ring_of(3), 13) == []


def test_cleared_it_starts_where_it_is_told():
    ring = ring_of(3)
    ring.clear(99)
    assert positions(ring, 99) == []
    assert not ring.covers(98)
