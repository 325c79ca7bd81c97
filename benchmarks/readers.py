"""Many readers of one server, in a process of their own, so that counting never waits for publishing."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawArray
from typing import Any, Self

from benchmarks.machine import cpu_seconds
from benchmarks.sockets import Plan, Swarm

# Looks at its commands this often; what comes on the sockets is taken at once.
LOOK_SECONDS = 0.02


class Readers(AbstractContextManager["Readers"]):
    """So many connections; what they have got can be read at any moment without disturbing them."""

    def __init__(self, count: int) -> None:
        self.count = count
        context = get_context("spawn")
        self._counts, self._totals = RawArray("q", count), RawArray("q", 2)
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._counts, self._totals), daemon=True)
        self._process.start()

    def __exit__(self, *error: object) -> None:
        """Drop all connections and end the process."""
        self._process.kill()
        self._process.join()

    def begin(self, plan: Plan) -> None:
        """Begin to connect, each connection from nothing."""
        self._counts[:] = [0] * self.count
        self._totals[:] = [0, 0]
        self._pipe.send(("open", plan))

    def open(self, plan: Plan, seconds: float = 180) -> float:
        """Connect all and subscribe them; return how long it took."""
        start = time.monotonic()
        self.begin(plan)
        self.wait(lambda: self.opened == self.count, seconds)
        return time.monotonic() - start

    def drop(self) -> None:
        """Break all connections off at once."""
        self._pipe.send(("drop", None))
        self._pipe.recv()

    def positions(self) -> list[list[int]]:
        """Return the positions that each connection got, of a plan that keeps them."""
        self._pipe.send(("positions", None))
        positions: list[list[int]] = self._pipe.recv()
        return positions

    @property
    def opened(self) -> int:
        """Return how many are connected and subscribed."""
        return self._totals[0]

    @property
    def bytes(self) -> int:
        """Return how many bytes have come."""
        return self._totals[1]

    @property
    def counts(self) -> list[int]:
        """Return how many events each connection has got."""
        return self._counts[:]

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time that counting has taken."""
        return cpu_seconds(self._process.pid or 0)

    def wait_for_events(self, count: int, seconds: float = 60) -> None:
        """Return when every connection has got so many events; more would be a fault."""
        self.wait(lambda: min(self.counts) >= count, seconds)
        if max(self.counts) != count:
            raise SystemExit(f"A connection got {max(self.counts)} events instead of {count}.")

    def wait(self, done: Callable[[], bool], seconds: float, pause: float = 0.005) -> None:
        """Return when it is done; give up loudly."""
        deadline = time.monotonic() + seconds
        while not done():
            if not self._process.is_alive():
                raise SystemExit("The readers have given up; they have said why.")
            if time.monotonic() > deadline:
                counts = self.counts
                raise SystemExit(f"After {seconds} s: {self.opened} open, {min(counts)} to {max(counts)} events each.")
            time.sleep(pause)

    def __enter__(self) -> Self:
        """Use it."""
        return self


def _serve(pipe: Connection, counts: Any, totals: Any) -> None:
    swarm: Swarm | None = None
    while True:
        if swarm:
            swarm.turn(LOOK_SECONDS)
        if not pipe.poll(0 if swarm else None):
            continue
        command, plan = pipe.recv()
        if command == "open":
            swarm = Swarm(plan, counts, totals)
        elif command == "drop" and swarm:
            swarm.drop()
            swarm = None
            pipe.send(None)
        elif command == "positions" and swarm:
            pipe.send(swarm.positions())
