import pytest

from events.live import openness as module
from events.live.openness import Openness


class Clock:
    """A loop's clock that the test turns."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        return self.now


@pytest.fixture
async def openness():
    openness = Openness()
    openness._loop = Clock()
    return openness


async def test_what_was_never_asked_for_is_not_known_however_young_the_clock(openness):
    assert not openness.has(["feeds.1"])


async def test_what_anybody_may_read_is_known_for_a_while(openness):
    openness.note(["feeds.1", "feeds.2"])
    assert openness.has(["feeds.1", "feeds.2"])
    assert not openness.has(["feeds.1", "feeds.3"])
    openness._loop.now += module.SECONDS
    assert not openness.has(["feeds.1"])


async def test_a_change_of_rights_ends_it_for_the_topic_and_those_under_it(openness):
    openness.note(["feeds.1", "feeds.1.followers", "feeds.11"])
    openness.forget("feeds.1")
    assert [openness.has([name]) for name in ("feeds.1", "feeds.1.followers", "feeds.11")] == [False, False, True]


async def test_it_is_bounded(openness, monkeypatch):
    monkeypatch.setattr(module, "LIMIT", 2)
    for number in range(10):
        openness.note([f"feeds.{number}"])
        assert len(openness._since) <= 3


async def test_all_of_it_can_be_forgotten(openness):
    openness.note(["feeds.1"])
    openness.clear()
    assert not openness.has(["feeds.1"])
