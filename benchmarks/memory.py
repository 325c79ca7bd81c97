"""What an idle WebSocket costs the server in memory: `python -m benchmarks.memory`.

The process's share of memory (PSS) with many idle connections, less that with the first hundred, by connection. What
the kernel holds for the sockets is not in it. `one` topic for all, or a topic (a group) for `each`.
"""

import argparse
import time

from benchmarks import servers, tables
from benchmarks.readers import Readers
from benchmarks.servers import Server
from benchmarks.sockets import Plan

FIRST = 100
TOPICS = {"one": False, "each its own": True}


def run(name: str, topics: str, options: argparse.Namespace) -> list[str]:
    """Measure one server; return its row."""
    from benchmarks.publisher import ROOM, Publisher

    if name == "tidewire":
        publisher = Publisher(topics=options.connections if TOPICS[topics] else 1)
        plan = Plan(0, "/live/ws", publisher.frames())
    else:
        plan = Plan(0, "/{}" if TOPICS[topics] else f"/{ROOM}")
    with Server(name) as server, Readers(FIRST) as first, Readers(options.connections) as rest:
        first.open(plan.at(server.port))
        time.sleep(options.settle)
        before = server.memory_bytes
        took = rest.open(plan.at(server.port))
        time.sleep(options.settle)
        after = server.memory_bytes
        cpu = server.cpu_seconds
        time.sleep(options.settle)
        idle = server.cpu_seconds - cpu
    row = [name, topics, f"{(after - before) / options.connections / 1000:.1f}", f"{before / 1e6:.0f}"]
    row += [f"{after / 1e6:.0f}", f"{100 * idle / options.settle:.1f}", f"{took:.1f}"]
    print(*row, flush=True)
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--settle", type=float, default=5, help="seconds of idleness before a look")
    parser.add_argument("--topics", nargs="+", default=list(TOPICS), choices=list(TOPICS))
    parser.add_argument("--servers", nargs="+", default=["tidewire", "tutorial"], choices=servers.NAMES)
    options = parser.parse_args()
    with servers.engines():
        rows = [run(name, topics, options) for topics in options.topics for name in options.servers]
    head = ["server", "topics", "kB per idle WebSocket", f"MB with {FIRST}", "MB with all", "idle CPU %", "s to open"]
    tables.show(f"Memory of {options.connections:,} idle WebSockets", head, rows, ["Kernel memory not included."])


if __name__ == "__main__":
    main()
