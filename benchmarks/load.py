"""How long from commit to WebSocket under load: `python -m benchmarks.load`.

Starts servers of its own: one with the resident relay and, as the baseline, one whose relay is woken through Celery.
Writers, sockets and server are processes of one machine and read one clock. A duration is from just after the commit
returned to its writer until a client has read the frame.
"""

import argparse
import time
from typing import Any

from benchmarks import processes
from benchmarks.conditions import describe, line
from benchmarks.stacks import server

SETTLE_SECONDS = 3.0
RELAYS = {
    "by the resident relay": ("web", "relay", "worker", "beat"),
    "the same without subscribers (no worker)": ("web", "relay"),
    "baseline: relay woken through Celery": ("web", "worker", "beat"),
}


def measure(parts: tuple[str, ...], options: argparse.Namespace) -> list[float]:
    """Return the milliseconds of every event on every sampled socket."""
    with server(*parts) as stack:
        place = stack.environment
        describe(place["DATABASE_URL"])
        people = processes.finish(processes.start(place, "people", str(options.topics)))
        sockets = ["--subscribers", str(options.subscribers), "--samples", str(options.samples)]
        where = ["--url", stack.url, "--key", people["key"], "--topics", *people["topics"]]
        reader = processes.start(place, "reader", *sockets, *where)
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        timed = ["--seconds", str(options.seconds + 1), "--moments"]
        written = processes.write(place, options.writers, options.rate, *timed, topics=people["topics"])
        time.sleep(SETTLE_SECONDS)
        read = processes.finish(reader)
    rate = sum(one["events"] / one["seconds"] for one in written)
    print(f"{rate:.0f} commits/s by {options.writers} writers, {options.subscribers} sockets, {options.topics} topics")
    return compare(written, read["samples"], options.topics)


def compare(written: list[dict[str, Any]], samples: list[dict[str, float]], topics: int) -> list[float]:
    """Put commits and arrivals together; what never came must not be left out in silence."""
    found, missing = [], 0
    for one in written:
        for number, moment in one["moments"].items():
            # Events go round the topics, and so do the sockets.
            due = samples[int(number) % topics :: topics]
            came = [sample[key] for sample in due if (key := f"{one['writer']}:{number}") in sample]
            found += [1000 * (arrival - moment) for arrival in came]
            missing += len(due) - len(came)
    print(f"{len(found)} arrivals were timed, {missing} are missing")
    return found


def main() -> None:
    """Measure each way and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000, help="events a second, each in a transaction of its own")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--subscribers", type=int, default=100)
    parser.add_argument("--samples", type=int, default=5, help="sockets that are timed")
    parser.add_argument("--topics", type=int, default=1, help="1: every socket gets every event")
    parser.add_argument("--only", type=int, help="only the first, second or third way")
    options = parser.parse_args()
    for number, (name, parts) in enumerate(RELAYS.items(), 1):
        if options.only in (None, number):
            print(line(name, measure(parts, options)))


if __name__ == "__main__":
    main()
