import asyncio
from contextlib import asynccontextmanager

import pytest

from webhooks import recorder, results
from webhooks.models import Endpoint
from webhooks.recorder import Recorder
from webhooks.results import Turn


@pytest.fixture
def records(monkeypatch):
    """What was written down, turn by turn; `trouble` is raised as often as it has entries."""

    class Records(list):
        """Turns as (what was written, who was in trouble)."""

        trouble, changed, back, held = [], {}, [], []

    records = Records()

    def record(done, troubled):
        if records.trouble:
            raise records.trouble.pop()
        records.append((list(done), set(troubled)))
        held, records.held = records.held, []
        return Turn(records.changed, held)

    monkeypatch.setattr(results, "record", record)
    monkeypatch.setattr(results, "give_back", records.back.extend)
    monkeypatch.setattr(recorder, "RETRY_SECONDS", 0)
    return records


@asynccontextmanager
async def running():
    """Run a recorder; yield it with what it tells of each turn."""
    told = asyncio.Queue()
    one = Recorder(lambda done, turn: told.put_nowait((list(done), turn.changed)))
    task = asyncio.create_task(one.run())
    yield one, told
    one.end()
    async with asyncio.timeout(10):
        await task


async def test_what_has_come_meanwhile_is_written_in_one_turn(records):
    async with running() as (one, told):
        for name in "abc":
            one.finish(name)
        one.give_back(["row"])
        async with asyncio.timeout(10):
            assert await told.get() == (["a", "b", "c"], {})
    assert records == [(["a", "b", "c"], set())]
    assert records.back == ["row"]


async def test_what_somebody_held_is_written_by_and_by(records, monkeypatch):
    monkeypatch.setattr(recorder, "HELD_SECONDS", 0)
    records.held = ["a"]
    async with running() as (one, told):
        one.finish("a")
        one.finish("b")
        async with asyncio.timeout(10):
            assert [await told.get(), await told.get()] == [(["b"], {}), (["a"], {})]
    assert records == [(["a", "b"], set()), (["a"], set())]


async def test_trouble_of_the_database_is_waited_out(records):
    records.trouble = [RuntimeError("broken"), RuntimeError("broken")]
    async with running() as (one, told):
        one.finish("a")
        async with asyncio.timeout(10):
            assert await told.get() == (["a"], {})
    assert len(records) == 1


async def test_at_the_end_what_is_there_is_written_and_trouble_is_left_to_the_leases(records):
    async with running() as (one, _):
        one.finish("a")
    assert records == [(["a"], set())]
    records.trouble = [RuntimeError("broken")]
    async with running() as (one, _):
        one.finish("b")
    assert len(records) == 1


async def test_it_remembers_which_endpoints_are_in_trouble(records):
    async with running() as (one, told):
        for failures, known in ((3, set()), (0, {7}), (0, set())):
            records.changed = {7: Endpoint(pk=7, failures_in_row=failures)}
            one.finish("a")
            async with asyncio.timeout(10):
                await told.get()
            assert records[-1][1] == known
    assert len(records) == 3
