"""A proxy of CONNECT in a thread of its own, for tests that have no loop."""

import asyncio
import threading
from contextlib import contextmanager

from tests.webhooks.servers import connect_proxy


@contextmanager
def proxy_in_a_thread(**options):
    """Run a proxy, and yield what it has seen."""
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    ready, found = threading.Event(), []

    async def run():
        async with connect_proxy(**options) as seen:
            found.append(seen)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.run_until_complete(cancel_the_others())
        loop.close()


async def cancel_the_others():
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
