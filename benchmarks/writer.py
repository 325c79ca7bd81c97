"""One process that commits events at a rate: `python -m benchmarks.writer`, started by the other benchmarks.

Each transaction inserts into the outbox by plain SQL and wakes the relay as a commit of the application does; what the
application's own code costs before the commit is not measured here. Prints one JSON object at the end.
"""

import argparse
import json
import time
import uuid

from config.environment import adopt_development_environment

adopt_development_environment()

import django  # noqa: E402  the environment comes first

django.setup()

import psycopg  # noqa: E402
from django.db import connection  # noqa: E402

from events import wake  # noqa: E402

INSERT = """
    INSERT INTO events_outbox (event_id, type, topic, subject, data, time)
    SELECT gen_random_uuid(), 'benchmark.number.counted', %s, 'numbers/1',
           jsonb_build_object('writer', %s::text, 'number', %s::int + row, 'text', repeat('x', 100)), clock_timestamp()
    FROM generate_series(0, %s::int - 1) AS row
"""


def write(options: argparse.Namespace) -> dict:
    """Commit at the rate, or as quickly as can be where that is less; return the moments after the commits."""
    name, moments = uuid.uuid4().hex, {}
    connection.ensure_connection()
    raw = connection.connection
    raw.prepare_threshold = 0
    cursor = psycopg.Cursor(raw)
    wake.relay()
    time.sleep(max(0.0, options.start - time.time()))
    began = time.perf_counter()
    number, size = 0, options.size
    while (now := time.perf_counter() - began) < options.seconds:
        if (early := number / options.rate - now) > 0:
            time.sleep(early)
        topic = options.topics[number // size % len(options.topics)]
        cursor.execute(INSERT, [topic, name, number, size])
        moments[number] = time.perf_counter()
        wake.relay()
        number += size
    took = time.perf_counter() - began
    # The first second warms up connections, plans and threads.
    kept = {number: moment for number, moment in moments.items() if moment > began + 1}
    return {"writer": name, "events": number, "seconds": took, "moments": kept if options.moments else {}}


def main() -> None:
    """Write, and print what was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True, help="events a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--size", type=int, default=1, help="events in a transaction")
    parser.add_argument("--topics", nargs="+", default=[f"benchmark.{number}" for number in range(20)])
    parser.add_argument("--start", type=float, default=0, help="when to begin, in seconds since 1970")
    parser.add_argument("--moments", action="store_true")
    print(json.dumps(write(parser.parse_args())))


if __name__ == "__main__":
    main()
