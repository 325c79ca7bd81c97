"""How long one claim takes: `python -m benchmarks.claims`, started by `benchmarks.webhooks`; prints one JSON object.

Makes deliveries that are due in a transaction, claims them there, and rolls all of it back.
"""

import json
import statistics
import time

from config.environment import adopt_development_environment

adopt_development_environment()

import django  # noqa: E402  the environment comes first

django.setup()

import psycopg  # noqa: E402

from webhooks import sessions  # noqa: E402
from webhooks.claims import AHEAD, CLAIM  # noqa: E402
from webhooks.shares import ALL  # noqa: E402

DUE = """
    INSERT INTO webhooks_delivery (endpoint_id, event_id, event_type, position, status, attempts, next_attempt_at,
                                   created_at)
    SELECT endpoint.id, gen_random_uuid(), 'benchmark.number.counted', row, 'pending', 0, now(), now()
    FROM generate_series(1, 5) AS row, webhooks_endpoint AS endpoint
"""
NO_LANES: list[list[int]] = [[], [], [], [], []]


def measure(due: bool, times: int = 50) -> tuple[float, int]:
    """Return the median milliseconds of a claim, and how many it claims."""
    session, took, count = sessions.current(), [], 0
    cursor = psycopg.Cursor(session)
    for _ in range(times):
        cursor.execute("BEGIN")
        if due:
            cursor.execute(DUE)
        began = time.perf_counter()
        count = len(cursor.execute(CLAIM, [*NO_LANES, 5, AHEAD, 16, list(ALL), 512, 60]).fetchall())
        took.append(1000 * (time.perf_counter() - began))
        cursor.execute("ROLLBACK")
    return statistics.median(took), count


def main() -> None:
    """Measure with nothing due, and with five for each endpoint."""
    none, _ = measure(due=False)
    some, count = measure(due=True)
    print(json.dumps({"none": none, "some": some, "count": count}))


if __name__ == "__main__":
    main()
