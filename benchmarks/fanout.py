"""What one delivery costs the server: `python -m benchmarks.fanout`.

Many WebSockets read one public topic; events come at a steady rate; the CPU time that the web process takes meanwhile,
all of it, is divided by the deliveries. Each run starts a fresh server, in turn, and the median of the runs counts.
Two forms of event: `wire` has 256 bytes in all, `cloud` is a whole CloudEvent with 256 bytes of data, recorded and
relayed. The tutorial's consumer is sent the same texts.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import servers, tables
from benchmarks.readers import Readers
from benchmarks.servers import Server
from benchmarks.sockets import Plan

WARM_UP_SECONDS = 2


@dataclass(frozen=True)
class Sample:
    """What one run showed."""

    microseconds: float
    server_percent: float
    reader_percent: float


def sample(server: Server, readers: Readers, publish: Callable[[], None], rate: float, seconds: float) -> Sample:
    """Publish at the rate for so long, and see every event arrive everywhere."""
    before = readers.counts[0]
    start, cpu, reading = time.monotonic(), server.cpu_seconds, readers.cpu_seconds
    count = round(rate * seconds)
    for number in range(count):
        publish()
        time.sleep(max(0.0, start + (number + 1) / rate - time.monotonic()))
    readers.wait_for_events(before + count)
    passed = time.monotonic() - start
    cpu, reading = server.cpu_seconds - cpu, readers.cpu_seconds - reading
    return Sample(1e6 * cpu / (count * readers.count), 100 * cpu / passed, 100 * reading / passed)


def run(name: str, options: argparse.Namespace, found: dict[tuple, list[Sample]]) -> None:
    """Measure one server, freshly started, in both forms and at all rates."""
    from benchmarks.publisher import ROOM, Publisher, small

    publisher = Publisher()
    if name == "tidewire":
        plan = Plan(0, "/live/ws", publisher.frames())
        ways = {"wire": publisher.put, "cloud": publisher.record}
    else:
        plan = Plan(0, f"/{ROOM}")
        texts = {"wire": small(publisher.topics[0], "abcdef", 123456), "cloud": publisher.whole()}
        ways = {form: lambda text=text: publisher.send(text) for form, text in texts.items()}
    with Server(name) as server, Readers(options.subscribers) as readers:
        readers.open(plan.at(server.port))
        for form, publish in ways.items():
            sample(server, readers, publish, 10, WARM_UP_SECONDS)
            for rate in options.rates:
                one = sample(server, readers, publish, rate, options.seconds)
                found[name, form, rate].append(one)
                print(f"{name:<16} {form:<6} {rate:>4g}/s  {one.microseconds:8.2f} µs", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--rates", type=float, nargs="+", default=[3, 30], help="events per second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--servers", nargs="+", default=list(servers.NAMES), choices=servers.NAMES)
    options = parser.parse_args()
    found: dict[tuple, list[Sample]] = defaultdict(list)
    with servers.engines():
        for _ in range(options.runs):
            for name in options.servers:
                run(name, options, found)
    rows = []
    for (name, form, rate), samples in sorted(found.items(), key=lambda item: (item[0][1], item[0][2], item[0][0])):
        costs = [one.microseconds for one in samples]
        middle = sorted(samples, key=lambda one: one.microseconds)[len(samples) // 2]
        row = [form, f"{rate * options.subscribers:,.0f}", name, f"{statistics.median(costs):.2f}"]
        row += [f"{min(costs):.2f}-{max(costs):.2f}", f"{middle.server_percent:.1f}", f"{middle.reader_percent:.1f}"]
        rows.append(row)
    head = ["event", "deliveries/s", "server", "µs CPU per delivery", "range", "server CPU %", "reader CPU %"]
    title = f"Server CPU per delivery, {options.subscribers:,} WebSockets, {options.seconds:g} s, {options.runs} runs"
    tables.show(title, head, rows)


if __name__ == "__main__":
    main()
