"""Whether the relay keeps up, and what it can move at most: `python -m benchmarks.relay`.

Starts engines and a relay of its own, durable as in production. Eight writers commit single events, then transactions
of ten, while one other transaction is held open with an event of its own; an event's lag is the time from its insert
until the batch began that gave it a position, told in parts of the run: it must not grow. Then a full outbox is
relayed. The baseline is the relay woken through Celery.
"""

import argparse
import statistics
import time

import psycopg

from benchmarks import processes
from benchmarks.conditions import describe
from benchmarks.stacks import server
from script.development.stack import Stack

RELAYS = {"resident relay": ("relay",), "baseline: relay woken through Celery": ("worker", "beat")}
DRAIN_SECONDS = 60.0

OPEN = """
    INSERT INTO events_outbox (event_id, type, topic, subject, data, time)
    VALUES (gen_random_uuid(), 'benchmark.number.held', 'benchmark.held', 'numbers/1', '{}', clock_timestamp())
"""
FILL = """
    INSERT INTO events_outbox (event_id, type, topic, subject, data, time)
    SELECT gen_random_uuid(), 'benchmark.number.counted', 'benchmark.' || row %% 20, 'numbers/1',
           jsonb_build_object('number', row, 'text', repeat('x', 100)), clock_timestamp()
    FROM generate_series(1, %s::int) AS row
"""
LAGS = """
    SELECT floor(part)::int, count(*), 1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY lag),
           1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY lag)
    FROM (
        SELECT extract(epoch FROM logged_at - time) AS lag,
               extract(epoch FROM time - min(time) OVER ()) / %s AS part
        FROM events_event WHERE position > %s AND type = 'benchmark.number.counted'
    ) AS event
    GROUP BY 1 ORDER BY 1
"""


def head(connection: psycopg.Connection) -> int:
    """Return the log's head."""
    return connection.execute("SELECT position FROM events_loghead").fetchone()[0]


def wait_moved(connection: psycopg.Connection, position: int) -> float:
    """Wait until the head is there; return how long that took."""
    began = time.perf_counter()
    while head(connection) < position:
        if time.perf_counter() - began > DRAIN_SECONDS:
            raise SystemExit(f"The head stands at {head(connection)} and not at {position}.")
        time.sleep(0.005)
    return time.perf_counter() - began


def keep_up(stack: Stack, rate: float, size: int, options: argparse.Namespace) -> None:
    """Let the writers write beside an open transaction, and print the lag over the run."""
    url = stack.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as look, psycopg.connect(url) as other:
        start = head(look)
        other.execute(OPEN)
        arguments = ["--seconds", str(options.seconds), "--size", str(size)]
        written = processes.write(stack.environment, options.writers, rate, *arguments)
        events = sum(one["events"] for one in written)
        reached = sum(one["events"] / one["seconds"] for one in written)
        drained = wait_moved(look, start + events)
        other.commit()
        wait_moved(look, start + events + 1)
        print(f"  {rate:.0f}/s wanted in transactions of {size}: {options.writers} writers committed {reached:.0f}/s")
        print(f"  beside a transaction held open; all {events} moved {1000 * drained:.0f} ms after the last commit.")
        for part, count, middle, high in look.execute(LAGS, [options.seconds / 6, start]).fetchall():
            print(f"    part {part + 1}: {count:>7} events, lag p50 {middle:.1f} ms, p99 {high:.1f} ms")


def ceiling(stack: Stack, options: argparse.Namespace) -> float:
    """Return how many events a second leave a full outbox: the middle of three."""
    found = []
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as look:
        for _ in range(3):
            start = head(look)
            look.execute(FILL, [options.fill])
            found.append(options.fill / wait_moved(look, start + options.fill))
    return statistics.median(found)


def main() -> None:
    """Measure each way and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--fill", type=int, default=100_000, help="events in the full outbox")
    parser.add_argument("--only", choices=["resident", "celery"])
    options = parser.parse_args()
    for name, parts in RELAYS.items():
        if options.only and options.only not in name.lower():
            continue
        with server(*parts) as stack:
            describe(stack.environment["DATABASE_URL"])
            time.sleep(3)
            print(name)
            keep_up(stack, 5000, 1, options)
            keep_up(stack, 10000, 10, options)
            print(f"  ceiling: {ceiling(stack, options):.0f} events/s out of {options.fill} waiting\n")


if __name__ == "__main__":
    main()
