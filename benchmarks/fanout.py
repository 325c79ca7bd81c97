"""What one delivery costs the server: `python -m benchmarks.fanout`.

Many WebSockets read one public topic; events come at a steady rate; the CPU time that the web process takes meanwhile,
all of it, is divided by the deliveries. Each sample has a fresh server, the servers take turns, and the median counts.
Two forms of event: `wire` has 256 bytes in all, `cloud` is a whole CloudEvent with 256 bytes of data, recorded and
relayed. The tutorial's consumer is sent the same texts; where it cannot keep up, what it did deliver counts. So is a
bare loop around the kernel's `send`: below it no server of one write to each event gets.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

from benchmarks import servers, tables
from benchmarks.plan import Plan
from benchmarks.readers import Readers
from benchmarks.servers import Server

WARM_UP_EVENTS = 20
PATIENCE_SECONDS = 3


@dataclass(frozen=True)
class Sample:
    """What one run showed."""

    microseconds: float
    deliveries_per_second: float
    server_percent: float
    reader_percent: float


def publish(send: Callable[[], None], rate: float, count: int) -> None:
    """Publish so many events at the rate."""
    start = time.monotonic()
    for number in range(count):
        send()
        time.sleep(max(0.0, start + (number + 1) / rate - time.monotonic()))


def sample(server: Server, readers: Readers, send: Callable[[], None], rate: float, seconds: float) -> Sample:
    """Publish at the rate for so long, and see every event arrive everywhere, if the server can."""
    publish(send, 10, WARM_UP_EVENTS)
    readers.wait_for_events(WARM_UP_EVENTS)
    start, cpu, reading = time.monotonic(), server.cpu_seconds, readers.cpu_seconds
    count = round(rate * seconds)
    publish(send, rate, count)
    if min(readers.counts) > WARM_UP_EVENTS + count - rate * PATIENCE_SECONDS:
        readers.wait_for_events(WARM_UP_EVENTS + count)
    passed = time.monotonic() - start
    cpu, reading = server.cpu_seconds - cpu, readers.cpu_seconds - reading
    deliveries = sum(readers.counts) - WARM_UP_EVENTS * readers.count
    return Sample(1e6 * cpu / deliveries, deliveries / passed, 100 * cpu / passed, 100 * reading / passed)


def run(name: str, form: str, rate: float, options: argparse.Namespace) -> Sample:
    """Take one sample of a freshly started server."""
    from benchmarks.publisher import ROOM, Publisher, small

    publisher = Publisher()
    if name == "tidewire":
        plan = Plan(0, "/live/ws", publisher.frames())
        send = publisher.put if form == "wire" else publisher.record
    else:
        plan = Plan(0, f"/{ROOM}")
        text = small(publisher.topics[0], "abcdef", 123456) if form == "wire" else publisher.whole()
        send = partial(publisher.shout if name == "bare" else publisher.send, text)
    with Server(name) as server, Readers(options.subscribers) as readers:
        readers.open(plan.at(server.port))
        return sample(server, readers, send, rate, options.seconds)


def described(key: tuple[str, float, str], samples: list[Sample], subscribers: int) -> list[str]:
    """Return the row of one server, form and rate."""
    form, rate, name = key
    samples = sorted(samples, key=lambda one: one.microseconds)
    middle = samples[len(samples) // 2]
    row = [form, f"{rate * subscribers:,.0f}", name, f"{statistics.median(one.microseconds for one in samples):.2f}"]
    row += [f"{samples[0].microseconds:.2f}-{samples[-1].microseconds:.2f}", f"{middle.deliveries_per_second:,.0f}"]
    return [*row, f"{middle.server_percent:.1f}", f"{middle.reader_percent:.1f}"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--rates", type=float, nargs="+", default=[3, 30], help="events per second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--forms", nargs="+", default=["wire", "cloud"], choices=["wire", "cloud"])
    parser.add_argument("--servers", nargs="+", default=list(servers.NAMES), choices=servers.NAMES)
    options = parser.parse_args()
    found: dict[tuple[str, float, str], list[Sample]] = {}
    with servers.engines():
        for _, *key in product(range(options.runs), options.forms, options.rates, options.servers):
            one = run(key[2], key[0], key[1], options)
            found.setdefault(tuple(key), []).append(one)
            print(*key, f"{one.microseconds:.2f} µs", f"{one.deliveries_per_second:,.0f}/s", flush=True)
    rows = [described(key, samples, options.subscribers) for key, samples in found.items()]
    head = ["event", "asked/s", "server", "µs CPU per delivery", "range", "delivered/s", "server CPU %", "reader CPU %"]
    title = f"Server CPU per delivery, {options.subscribers:,} WebSockets, {options.seconds:g} s, {options.runs} runs"
    tables.show(title, head, rows)


if __name__ == "__main__":
    main()
