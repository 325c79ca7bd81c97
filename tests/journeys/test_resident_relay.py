"""The resident relay dies, freezes, has a rival or cannot be called; no event is lost, doubled or out of order."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from contextlib import asynccontextmanager

import pytest

from script.development.rooms import CHECKOUT
from tests.journeys.conftest import answering
from tests.journeys.test_bad_days import busy, check_all_came, collect


@asynccontextmanager
async def frozen(stack, part):
    """Stop a part in the middle of whatever it does, and let it go on."""
    pid = stack.kill(part, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def nothing():
    pass


@pytest.fixture
async def published(people):
    """Publish while something is broken, and see that bob gets all of it once and in order."""
    alice, bob, prefix = people("alice"), people("bob"), uuid.uuid4().hex

    async def publish(break_something, then=nothing):
        async with bob.live() as page:
            await page.subscribe(f"feeds.{(await alice.feed())['id']}")
            published, slowest = await busy(alice, prefix, break_something)
            assert slowest < 2
            await check_all_came(page, prefix, published)
            await then()
            await alice.publish(f"{prefix} after")
            await collect(page, f"{prefix} after", 1)

    return publish


async def test_ended_under_load_it_ends_in_order_and_others_relay(stack, published):
    ended = []

    async def end():
        ended.append(stack.kill("relay", signal.SIGTERM))

    await published(end)
    stack.wait_restarted("relay", ended[0])
    assert "ended with status 0; starting it again" in stack.log("relay")


async def test_frozen_it_is_replaced_within_seconds_and_doubles_nothing_when_it_goes_on(stack, published):
    frozen_pid = []

    async def freeze():
        frozen_pid.append(stack.kill("relay", signal.SIGSTOP))

    async def go_on():
        os.kill(frozen_pid[0], signal.SIGCONT)

    await published(freeze, then=go_on)
    assert stack.pid("relay") == frozen_pid[0]


async def test_a_frozen_one_keeps_nobody_from_relaying(stack, people, database):
    alice, bob = people("alice"), people("bob")
    async with bob.live() as page:
        await page.subscribe(f"feeds.{(await alice.feed())['id']}")
        async with frozen(stack, "relay"), asyncio.timeout(10):
            with database() as connection:
                held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
                while connection.execute(held, [0x74696465]).fetchone()[0]:
                    await asyncio.sleep(0.01)
            prefix = uuid.uuid4().hex
            await alice.publish(prefix)
            await collect(page, prefix, 1)


async def test_two_at_once_are_one_leader_and_one_that_stands_by(stack, published):
    command = [sys.executable, "manage.py", "events", "relay"]
    place = {"cwd": CHECKOUT, "env": os.environ | stack.environment}
    rival = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **place)
    try:
        assert "Relaying" in await asyncio.to_thread(rival.stdout.readline)
        await published(nothing)
        assert rival.poll() is None
        rival.terminate()
        assert await asyncio.to_thread(rival.wait, 20) == 0
    finally:
        rival.kill()
        rival.communicate()


async def test_a_frozen_valkey_costs_no_request_and_no_event(stack, published):
    pids = []

    async def freeze():
        pids.append(stack.kill("valkey", signal.SIGSTOP))

    async def go_on():
        os.kill(pids[0], signal.SIGCONT)
        await answering(stack)

    await published(freeze, then=go_on)
