"""The life of a web process: its hub starts before the first client comes and ends with the process."""

import asyncio
import logging

from events.live.hub import current_hub, stop_hub

logger = logging.getLogger(__name__)


async def lifespan(scope, receive, send) -> None:
    """Answer the server's lifespan messages; a database that is away does not keep the process from starting."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            starting = asyncio.create_task(_start())
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            starting.cancel()
            await stop_hub()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _start() -> None:
    try:
        await current_hub()
    except Exception as error:  # noqa: BLE001  the first connection tries again
        logger.warning("The hub could not start yet: %r", error)
