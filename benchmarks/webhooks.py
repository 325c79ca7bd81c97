"""How fast webhooks are delivered, and what a dead endpoint costs the others: `python -m benchmarks.webhooks`.

Starts engines, a relay and a resident sender of its own, durable as in production, and a sink that answers at once in a
process of its own. Events are committed by plain SQL in yet another process; a delivery counts from the commit of its
event, through the log, until its 2xx is written down. Parts: `rate`, `latency`, `isolation`, `history`, `baseline`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import psycopg

from benchmarks import processes
from benchmarks.conditions import describe, line
from benchmarks.machine import cpu_seconds
from benchmarks.stacks import server
from script.development.rooms import CHECKOUT
from script.development.stack import Stack

ENDPOINTS = 100
PATIENCE_SECONDS = 120.0
PARTS = ("rate", "latency", "isolation", "history", "baseline")

SETTLE = """
    UPDATE webhooks_delivery SET status = 'cancelled', next_attempt_at = NULL, claim = NULL WHERE status = 'pending';
    UPDATE webhooks_endpoint SET url = regexp_replace(url, '/(ok|fail|hang)/', '/ok/'), enabled = true,
           disabled_reason = '', failing_since = NULL, failures_in_row = 0, postponed_until = NULL;
"""
HISTORY = """
    INSERT INTO webhooks_delivery (endpoint_id, event_id, event_type, position, status, attempts, last_status_code,
                                   next_attempt_at, created_at)
    SELECT (SELECT min(id) FROM webhooks_endpoint) + row %% %s, gen_random_uuid(), 'benchmark.number.counted', row,
           'succeeded', 1, 200, NULL, now() - make_interval(secs => 600000 - row / 2.0)
    FROM generate_series(%s::int, %s::int) AS row
"""
SIZES = """
    SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class
    WHERE relname LIKE 'webhooks_delivery%' AND relkind IN ('r', 'i') ORDER BY pg_relation_size(oid) DESC
"""


class Sink:
    """The receiver's process."""

    def __init__(self, stack: Stack) -> None:
        self.process = processes.start(stack.environment, "sink")
        assert self.process.stdout
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"

    def end(self) -> dict[str, Any]:
        """End it and return what it got."""
        return processes.finish(self.process)


class Bench:
    """A running stack with a hundred endpoints, each of an owner of its own and on that owner's topic."""

    def __init__(self, stack: Stack, connection: psycopg.Connection) -> None:
        self.stack, self.connection = stack, connection
        made = subprocess.run(
            [sys.executable, "-m", "benchmarks.receivers", str(ENDPOINTS)],
            cwd=CHECKOUT,
            env=os.environ | stack.environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        self.topics: list[str] = json.loads(made.stdout)

    def point(self, sink: Sink, *, hanging: int = 0, failing: int = 0) -> None:
        """Let all endpoints lead to a sink, so many of them to where nothing answers or all fails."""
        self.connection.execute(SETTLE)
        paths = ["hang"] * hanging + ["fail"] * failing
        rows = self.connection.execute("SELECT id FROM webhooks_endpoint ORDER BY id").fetchall()
        for number, (pk,) in enumerate(rows):
            kind = paths[number] if number < len(paths) else "ok"
            url = f"{sink.url}/{kind}/{number}"
            self.connection.execute("UPDATE webhooks_endpoint SET url = %s WHERE id = %s", [url, pk])

    def write(self, rate: float, seconds: float, *, size: int = 1, moments: bool = False) -> list[dict[str, Any]]:
        """Let one writer commit events on the endpoints' topics."""
        more = ["--seconds", str(seconds), "--size", str(size), *(["--moments"] if moments else [])]
        return processes.write(self.stack.environment, 1, rate, *more, topics=self.topics)

    def succeeded(self) -> int:
        """Return how many deliveries have been written down as received."""
        row = self.connection.execute("SELECT count(*) FROM webhooks_attempt WHERE status_code = 200").fetchone()
        return row[0]

    def wait_succeeded(self, count: int) -> None:
        """Wait until so many have been."""
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while self.succeeded() < count:
            if time.perf_counter() > deadline:
                raise SystemExit(f"{self.succeeded()} deliveries have succeeded, and not {count}.")
            time.sleep(0.05)

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds of each part so far."""
        return {name: tree_seconds(self.stack.pid(name)) for name in ("deliver", "relay", "postgres", "valkey")}


def tree_seconds(pid: int | None) -> float:
    """Return the CPU seconds of a process and its children, those that have ended too."""
    if pid is None:
        return 0.0
    process = psutil.Process(pid)
    times = process.cpu_times()
    return cpu_seconds(pid) + times.children_user + sum(cpu_seconds(child.pid) for child in process.children())


@contextmanager
def bench() -> Iterator[Bench]:
    """Run a stack of the benchmark's own."""
    with server("relay", "deliver") as stack:
        url = stack.environment["DATABASE_URL"]
        describe(url)
        with psycopg.connect(url, autocommit=True) as connection:
            yield Bench(stack, connection)


def rate(found: Bench, options: argparse.Namespace, title: str = "rate") -> None:
    """Commit at a rate, and print how many are delivered a second and what each costs."""
    sink = Sink(found.stack)
    found.point(sink)
    before, cpu = found.succeeded(), found.cpu()
    began = time.perf_counter() + processes.START_SECONDS
    [written] = found.write(options.rate, options.seconds, size=10)
    ended = time.perf_counter()
    backlog = written["events"] - (found.succeeded() - before)
    found.wait_succeeded(before + written["events"])
    took = time.perf_counter() - began
    used = {name: seconds - cpu[name] for name, seconds in found.cpu().items()}
    used["sink"] = sink.end()["cpu"]
    print(f"{title}: {written['events']} events in {written['seconds']:.1f} s, {options.rate:.0f}/s wanted")
    print(f"  delivered {written['events'] / took:.0f}/s from the first commit to the last 2xx written down;")
    print(f"  {backlog} were behind when the last was committed, {took - (ended - began):.2f} s later none.")
    each = {name: 1e6 * seconds / written["events"] for name, seconds in used.items()}
    print("  CPU for each delivery: " + ", ".join(f"{name} {micro:.0f} µs" for name, micro in each.items()))
    print(f"  in all {sum(each.values()):.0f} µs: two cores are full at {2e6 / sum(each.values()):.0f}/s\n", flush=True)


def run_latency(found: Bench, options: argparse.Namespace, *, hanging: int = 0, failing: int = 0) -> list[float]:
    """Return the milliseconds from commit to receipt of what went to endpoints that are well."""
    sink = Sink(found.stack)
    found.point(sink, hanging=hanging, failing=failing)
    [written] = found.write(options.latency_rate, options.seconds, moments=True)
    time.sleep(1)
    got = sink.end()["got"]
    arrived: dict[int, float] = {}
    for number, moment in got["/ok/"]:
        arrived.setdefault(number, moment)
    well = {
        int(number): moment
        for number, moment in written["moments"].items()
        if int(number) % ENDPOINTS >= hanging + failing
    }
    missing = len(well.keys() - arrived.keys())
    if missing:
        print(f"  {missing} of {len(well)} have not arrived within a second after the last commit")
    return [1000 * (arrived[number] - moment) for number, moment in well.items() if number in arrived]


def latency(found: Bench, options: argparse.Namespace) -> None:
    """Print how long single events take from their commit to the receiver."""
    print(f"latency: {options.latency_rate:.0f}/s for {options.seconds:g} s, one event in a transaction")
    run_latency(found, argparse.Namespace(**{**vars(options), "seconds": 3}))
    print(line("  commit to receiver", run_latency(found, options)) + "\n", flush=True)


def p95(milliseconds: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(milliseconds, n=100)[94]


def isolation(found: Bench, options: argparse.Namespace) -> None:
    """Print the latency of healthy endpoints with and without bad ones, turn by turn."""
    print(f"isolation: {options.latency_rate:.0f}/s over {ENDPOINTS} endpoints; p95 of the healthy ones, in ms")
    alone, beside = [], []
    for turn in range(options.turns):
        alone.append(p95(run_latency(found, options)))
        beside.append(p95(run_latency(found, options, hanging=1, failing=5)))
        print(
            f"  turn {turn + 1}: all healthy {alone[-1]:.1f}, one hanging and five failing {beside[-1]:.1f}", flush=True
        )
    first, second = statistics.median(alone), statistics.median(beside)
    print(f"  median: {first:.1f} and {second:.1f}; {second / first:.2f} times, {second - first:+.1f} ms\n", flush=True)


def claim_time(found: Bench) -> None:
    """Print how long one claim takes."""
    found.connection.execute(SETTLE)
    said = processes.finish(processes.start(found.stack.environment, "claims"))
    print(
        f"  one claim: {said['none']:.2f} ms with nothing due, {said['some']:.2f} ms for {said['count']}\n", flush=True
    )


def history(found: Bench, options: argparse.Namespace) -> None:
    """Print the rate again with very many finished deliveries in the table, and how large that is."""
    rate(found, options, "before")
    claim_time(found)
    for begin in range(0, options.history, 100_000):
        found.connection.execute(HISTORY, [ENDPOINTS, begin + 1, min(begin + 100_000, options.history)])
    found.connection.execute("VACUUM ANALYZE webhooks_delivery")
    rate(found, options, f"after {options.history} finished deliveries")
    claim_time(found)
    for name, size in found.connection.execute(SIZES).fetchall():
        print(f"  {name:<45} {size:>10}")
    print(flush=True)


def baseline(found: Bench, options: argparse.Namespace) -> None:
    """Print what the plain way makes of it: one Celery task with `requests` for each delivery."""
    sink = Sink(found.stack)
    arguments = [sink.url, str(options.tasks), str(options.processes)]
    command = [sys.executable, "-m", "benchmarks.webhook_tasks", *arguments]
    environment = os.environ | found.stack.environment
    made = subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, check=True)
    said = json.loads(made.stdout)
    sink.end()
    print(f"baseline: one Celery task with requests for each of {options.tasks}, {options.processes} worker processes")
    print(
        f"  {said['rate']:.0f}/s, CPU for each: {said['micro']:.0f} µs; nothing is written down, nothing tried again\n"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=2500, help="events a second that are committed")
    parser.add_argument("--latency-rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--history", type=int, default=1_000_000)
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    options = parser.parse_args()
    with bench() as found:
        for part in (rate, latency, isolation, history, baseline):
            if part.__name__ in options.only:
                part(found, options)


if __name__ == "__main__":
    main()
