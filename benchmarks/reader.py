"""One process that holds sockets and times what comes: `python -m benchmarks.reader`, started by the other benchmarks.

A few sockets are read frame by frame; the others are only kept empty, so that the client is not what is measured.
Prints `ready` when all are subscribed, and one JSON object when its standard input ends.
"""

import argparse
import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop
from websockets.asyncio.client import connect


async def subscribe(socket, topics: list[str]) -> None:
    """Subscribe and wait until it is so."""
    await socket.send(json.dumps({"type": "subscribe", "id": 1, "topics": topics}))
    while (frame := json.loads(await socket.recv()))["type"] != "subscribed":
        if frame["type"] == "error":
            raise SystemExit(f"The subscription was refused: {frame}")


async def record(socket, arrivals: dict[str, float]) -> int:
    """Note when each event came; return how many frames they came in."""
    frames = 0
    while True:
        text = await socket.recv()
        now = time.perf_counter()
        frame = json.loads(text)
        if frame["type"] == "events":
            frames += 1
            for event in frame["events"]:
                arrivals[f"{event['data']['writer']}:{event['data']['number']}"] = now


class Drain(asyncio.Protocol):
    """Takes in bytes and forgets them."""

    taken = 0

    def data_received(self, data: bytes) -> None:
        """Count."""
        Drain.taken += len(data)


async def run(options: argparse.Namespace) -> None:
    """Hold the sockets until the standard input ends."""
    address = urlsplit(options.url)._replace(scheme="ws", path="/live/ws").geturl()
    headers = {"Authorization": f"Bearer {options.key}"}
    sockets, tasks, samples = [], [], []
    for number in range(options.subscribers):
        socket = await connect(address, additional_headers=headers, compression=None, max_queue=None)
        await subscribe(socket, [options.topics[number % len(options.topics)]])
        sockets.append(socket)
        if number < options.samples:
            samples.append(arrivals := {})
            tasks.append(asyncio.create_task(record(socket, arrivals)))
        else:
            socket.transport.set_protocol(Drain())
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps({"samples": samples, "drained_bytes": Drain.taken}), flush=True)


def main() -> None:
    """Read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--subscribers", type=int, default=100)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--topics", nargs="+", required=True)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
