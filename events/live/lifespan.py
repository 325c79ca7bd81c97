"""The life of a web process: its hub starts before the first client comes, and its clients leave before it ends."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.conf import settings

from events.live.hub import current_hub, stop_hub
from events.live.roster import drain_roster, stop_roster

logger = logging.getLogger(__name__)

# A process with thousands of sockets has few garbage cycles and very many objects to look through for them.
GARBAGE_THRESHOLDS = (50_000, 50, 100)
SWITCH_SECONDS = 0.0005


_draining = False


def is_draining() -> bool:
    """Say whether this process sends its clients away, to end after that."""
    return _draining


async def lifespan(scope, receive, send) -> None:
    """Answer the server's lifespan messages; a database that is away does not keep the process from starting."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            starting = asyncio.create_task(_start())
            _drain_before_the_end(asyncio.get_running_loop())
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            starting.cancel()
            await stop_roster()
            await stop_hub()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _start() -> None:
    try:
        await current_hub()
    except Exception as error:  # noqa: BLE001  the first connection tries again
        logger.warning("The hub could not start yet: %r", error)
    # The loop waits for at most so long while a thread that asks the database has the interpreter.
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def _drain_before_the_end(loop: asyncio.AbstractEventLoop) -> None:
    """Let SIGTERM first send the clients away; the server's own handler, which closes all at once, comes after."""
    try:
        servers = signal.getsignal(signal.SIGTERM)
        if not callable(servers):
            return
        drained: list[asyncio.Task[None]] = []

        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(begin, number)

        def begin(number: int) -> None:
            global _draining
            _draining = True
            # A second signal does not wait.
            if drained:
                _end(servers, number)
            else:
                drained.append(loop.create_task(drain_roster(settings.TIDEWIRE_DRAIN_SECONDS)))
                drained[0].add_done_callback(lambda task: _end(servers, number))

        signal.signal(signal.SIGTERM, handle)
    except ValueError:
        # Not the main thread: whoever runs the loop there handles signals.
        return


def _end(servers: Callable[..., Any], number: int) -> None:
    server = getattr(servers, "__self__", None)
    if server is not None and hasattr(server, "should_exit"):
        # uvicorn would end by the signal that it is told of; one that has sent everyone away ends well, with 0.
        server.should_exit = True
    else:
        servers(number, None)
