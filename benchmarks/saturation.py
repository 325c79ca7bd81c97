"""How many deliveries a second one web process on one core can make: `python -m benchmarks.saturation`.

Encoded events of 256 bytes are put straight into the channel layer, in batches, as fast as the readers get them: only
so many batches are under way at any time. Afterwards every reader must have got every event. The tutorial's consumer
knows no batches; it is sent single messages of the same text, with a bound of its own.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import servers, tables
from benchmarks.machine import SERVER_CORE, busy_seconds
from benchmarks.readers import Readers
from benchmarks.servers import Server
from benchmarks.sockets import Plan

PAUSE = 0.0005
TUTORIAL_UNDER_WAY = 20


@dataclass(frozen=True)
class Feeding:
    """How events are put in: so many at once, so many under way."""

    put: Callable[[], None]
    at_once: int
    under_way: int


@dataclass
class Seen:
    """What stood at one moment."""

    at: float
    deliveries: int
    bytes: int
    cpu: float
    reading: float
    others: float


def look(server: Server, readers: Readers) -> Seen:
    """Take all counters at this moment."""
    others = busy_seconds(os.sched_getaffinity(0) - {SERVER_CORE})
    now = time.monotonic()
    return Seen(now, sum(readers.counts), readers.bytes, server.cpu_seconds, readers.cpu_seconds, others)


def feed(readers: Readers, feeding: Feeding, sent: int, seconds: float) -> int:
    """Keep the server fed for so long; return how many events have been sent in all."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if sent - min(readers.counts) < feeding.under_way:
            feeding.put()
            sent += feeding.at_once
        else:
            time.sleep(PAUSE)
    return sent


def run(name: str, subscribers: int, options: argparse.Namespace) -> list[str]:
    """Measure one server with so many readers; return its row."""
    from benchmarks.publisher import ROOM, Publisher, small

    publisher = Publisher()
    if name == "tidewire":
        publisher.fill(options.fill)
        plan = Plan(0, "/live/ws", publisher.frames())
        feeding = Feeding(lambda: publisher.put(options.batch), options.batch, options.batch * options.under_way)
    else:
        plan = Plan(0, f"/{ROOM}")
        text = small(publisher.topics[0], "abcdef", 123456)
        feeding = Feeding(lambda: publisher.send(text), 1, TUTORIAL_UNDER_WAY)
    with Server(name) as server, Readers(subscribers) as readers:
        readers.open(plan.at(server.port))
        sent = feed(readers, feeding, 0, options.warm_up)
        before = look(server, readers)
        sent = feed(readers, feeding, sent, options.seconds)
        after = look(server, readers)
        readers.wait_for_events(sent)
        memory = server.memory_bytes
    return [f"{subscribers:,}", name, *rates(before, after), f"{memory / 1e6:.0f}", f"{sent:,} each"]


def rates(before: Seen, after: Seen) -> list[str]:
    """Return what happened by second between two looks."""
    passed = after.at - before.at
    cpu, deliveries = after.cpu - before.cpu, after.deliveries - before.deliveries
    row = [f"{deliveries / passed:,.0f}", f"{(after.bytes - before.bytes) / passed / 1e6:.1f}"]
    row += [f"{1e6 * cpu / max(1, deliveries):.2f}", f"{100 * cpu / passed:.0f}"]
    row += [f"{100 * (after.reading - before.reading) / passed:.0f}"]
    return [*row, f"{100 * (after.others - before.others) / passed:.0f}"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--warm-up", type=float, default=3)
    parser.add_argument("--batch", type=int, default=200, help="events per message")
    parser.add_argument("--under-way", type=int, default=3, help="batches sent and not yet read by all")
    parser.add_argument("--fill", type=int, default=200_000, help="rows of events written before the start")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--servers", nargs="+", default=["tidewire", "tutorial"], choices=servers.NAMES)
    options = parser.parse_args()
    with servers.engines():
        rows = []
        for subscribers in options.subscribers:
            for name in options.servers * options.runs:
                rows.append(run(name, subscribers, options))
                print(*rows[-1], flush=True)
    head = ["readers", "server", "deliveries/s", "MB/s", "µs CPU each", "server CPU %", "counter CPU %"]
    head += ["other cores busy %", "server MB", "got by every reader"]
    title = f"Saturated deliveries, 256-byte events in batches of {options.batch}, {options.seconds:g} s"
    tables.show(title, head, rows)


if __name__ == "__main__":
    main()
