"""What a home timeline costs, and a like: `python -m benchmarks.feeds` (`--scale 0.01` for a quick look).

Starts engines of its own, durable as in production, and writes a crowd into them: 100,000 users with 2,000,000 follows
and, in two steps, 1,000,000 entries, so that the cost of a page is seen before and after they have become ten times
more. The baselines, in the same run, are the queries that tutorials write. Then an entry is pushed to 10,000 and to
100,000 readers, and writers in processes of their own like one entry through the action that the API calls, and by
statements one after the other; what was counted, what was told and the rows must agree.
"""

import argparse
import statistics
import time
from collections.abc import Mapping

import psycopg

from benchmarks import crowd, processes
from benchmarks.conditions import describe
from benchmarks.stacks import server
from benchmarks.tables import show

NAMES = {
    "page": "timeline page, whole request",
    "sql": "  its own query alone",
    "built": "built anew on return (400 entries)",
    "join": "baseline: filter over a join",
    "subquery": "baseline: filter over a subquery",
}
WAYS = {"action": "the action: one statement", "saved": "baseline: one after the other"}
HEAD = ["what", "entries", "p50 ms", "p99 ms"]
TOLD = """
    SELECT array_agg((data->'entry'->>'like_count')::int ORDER BY id) FROM events_outbox
    WHERE type = 'feeds.entry.counted' AND subject = 'entries/' || %s
"""


def figures(took: list[float]) -> list[str]:
    """Return the middle and the high end of some durations."""
    cuts = statistics.quantiles(took, n=100)
    return [f"{cuts[49]:.2f}", f"{cuts[98]:.2f}"]


def timelines(environment: Mapping[str, str], options: argparse.Namespace) -> None:
    """Write the entries in two steps and read timelines after each."""
    rows, queries, there = [], 0, 0
    for entries in (options.entries // 10, options.entries):
        crowd.publish(environment["DATABASE_URL"], users=options.users, entries=entries - there)
        there = entries
        sizes = ["--users", str(options.users), "--readers", str(options.readers)]
        found = processes.finish(processes.start(environment, "pager", "read", *sizes))
        queries = found["queries"]
        rows += [[name, f"{entries:,}", *figures(found[key])] for key, name in NAMES.items()]
    rows.sort(key=lambda row: list(NAMES.values()).index(row[0]))
    about = f"{options.users:,} users, {options.follows:,} follows; a page of 20 takes {queries} queries in all."
    show("Timelines", HEAD, rows, [about])


def pushes(environment: Mapping[str, str], options: argparse.Namespace) -> None:
    """Push one entry to the followers of each of the two great feeds."""
    found = processes.finish(processes.start(environment, "pager", "push", "--users", str(options.users)))
    rows = [
        [
            f"{one['followers']:,}",
            f"{one['pushed']:,}",
            f"{one['seconds']:.2f}",
            f"{one['pushed'] / one['seconds']:,.0f}",
        ]
        for one in found.values()
    ]
    show("One entry pushed into timelines", ["followers", "rows", "seconds", "rows/s"], rows)


def likes(environment: Mapping[str, str], way: str, writers: int, options: argparse.Namespace) -> list[str]:
    """Let writers like one entry; return how many did, how long it took them, and whether all agrees."""
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as look:
        entry = look.execute(
            "INSERT INTO feeds_entry (feed_id, author_id, kind, text, visibility, hidden_reason, created_at)"
            " VALUES (3, 3, 'post', 'Like me', 'public', '', now()) RETURNING id"
        ).fetchone()[0]
        each = (options.users - 3) // writers
        start = time.time() + 3 + writers / 2
        arguments = ["--entry", str(entry), "--users", str(each), "--seconds", str(options.seconds), "--way", way]
        begin = [*arguments, "--start", str(start)]
        begun = [processes.start(environment, "liker", *begin, "--first", str(3 + n * each)) for n in range(writers)]
        found = [processes.finish(one) for one in begun]
        took = [1000 * seconds for one in found for seconds in one["took"]]
        rate = len(took) / max(one["seconds"] for one in found)
        kept = look.execute("SELECT like_count FROM feeds_entrycounts WHERE entry_id = %s", [entry]).fetchone()[0]
        rows = look.execute("SELECT count(*) FROM feeds_reaction WHERE entry_id = %s", [entry]).fetchone()[0]
        told = look.execute(TOLD, [entry]).fetchone()[0]
    agrees = kept == rows == len(took) and told == list(range(1, rows + 1))
    cpu = 1000 * sum(one["cpu"] for one in found) / len(took)
    return [
        WAYS[way],
        str(writers),
        f"{rows:,}",
        f"{rate:,.0f}",
        *figures(took),
        f"{cpu:.2f}",
        "yes" if agrees else "NO",
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of users, follows and entries")
    parser.add_argument("--readers", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=10, help="how long the writers like")
    parser.add_argument("--writers", type=int, nargs="+", default=[1, 4, 16, 32])
    parser.add_argument("--only", choices=["timelines", "pushes", "likes"])
    options = parser.parse_args()
    options.users, options.follows, options.entries = (
        int(options.scale * number) for number in (100_000, 2_000_000, 1_000_000)
    )
    options.readers = min(options.readers, options.users // 4)
    with server() as stack:
        # What a debugging server keeps of each query would be measured too.
        environment = dict(stack.environment) | {"DEBUG": "0", "TIDEWIRE_VALIDATE_PAYLOADS": "0", "TIDEWIRE_HTTPS": "0"}
        describe(environment["DATABASE_URL"])
        crowd.build(environment["DATABASE_URL"], users=options.users, follows=options.follows)
        if options.only in (None, "timelines"):
            timelines(environment, options)
        if options.only in (None, "pushes"):
            pushes(environment, options)
        if options.only in (None, "likes"):
            head = [
                "way",
                "writers",
                "likes",
                "likes/s",
                "p50 ms",
                "p99 ms",
                "writer's CPU ms",
                "exact and told in order",
            ]
            show(
                "Likes of one entry",
                head,
                [likes(environment, way, writers, options) for writers in options.writers for way in WAYS],
            )


if __name__ == "__main__":
    main()
