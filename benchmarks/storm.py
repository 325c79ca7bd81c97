"""How soon all are back after a crash: `python -m benchmarks.storm`.

Many WebSockets lose their connection at once, a hundred events happen, and all come back at the same moment, with
their cursors and without any pause between them (real clients spread themselves). `crash`: the web process is killed
and started again, so its memory is empty. `network`: only the connections break. Every reader must then have exactly
the events it missed, in order. The log's queries are counted in PostgreSQL's own log of statements.
"""

import argparse
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg

from benchmarks import servers, tables
from benchmarks.readers import Readers
from benchmarks.servers import Server
from benchmarks.sockets import Plan
from script.development.stack import Stack

KINDS = ("network", "crash")
VERBS = ("SELECT", "UPDATE", "INSERT", "WITH", "DELETE")
STATEMENT = re.compile(r"^LOG:  (?:statement|execute [^:]*):(.*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)


class Statements:
    """What PostgreSQL is asked; it writes down every statement."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._start = 0

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Let the server log every statement meanwhile."""
        self._set("all")
        self._start = len(self._stack.log("postgres"))
        try:
            yield
        finally:
            self._set("none")

    def count(self) -> tuple[int, int]:
        """Return how many statements have read events, and how many there were in all; BEGIN and such do not count."""
        found = STATEMENT.findall(self._stack.log("postgres")[self._start :])
        asked = [text for text in found if text.lstrip().startswith(VERBS) and "pg_reload" not in text]
        return sum("events_event" in text for text in asked), len(asked)

    def _set(self, value: str) -> None:
        # The application's role may not; the cluster is this benchmark's own.
        url = urlsplit(self._stack.environment["DATABASE_URL"])
        superuser = url._replace(netloc=url.netloc.replace("tidewire", "postgres")).geturl()
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET log_statement = '{value}'")
            connection.execute("SELECT pg_reload_conf()")
            time.sleep(0.2)


def run(kind: str, stack: Stack, options: argparse.Namespace) -> list[str]:
    """Let one storm pass; return its row."""
    from benchmarks.publisher import Publisher

    publisher = Publisher(options.topics)
    statements = Statements(stack)
    with Server("tidewire") as server, Readers(options.clients) as readers:
        readers.open(Plan(server.port, "/live/ws", publisher.frames()))
        cursor = publisher.cursor
        readers.drop()
        if kind == "crash":
            server.kill()
        publisher.record(options.behind)
        time.sleep(options.settle)
        with statements.logged():
            start, cpu, reading = time.monotonic(), 0.0 if kind == "crash" else server.cpu_seconds, readers.cpu_seconds
            if kind == "crash":
                server.start()
            frames = publisher.frames(after=cursor)
            readers.begin(Plan(server.port, "/live/ws", frames, at_once=options.clients, keep=True))
            readers.wait(lambda: readers.opened > 0, 60)
            first = time.monotonic() - start
            readers.wait(lambda: readers.opened == readers.count, 300)
            opened = time.monotonic() - start
            readers.wait_for_events(options.behind, 300)
            took = time.monotonic() - start
            cpu, reading = server.cpu_seconds - cpu, readers.cpu_seconds - reading
        reads, asked = statements.count()
        lost = lost_events(publisher, readers.positions(), int(cursor.partition("-")[2]))
    row = [kind, f"{took:.2f}", f"{first:.2f}", f"{opened:.2f}", f"{lost}", f"{reads:,}", f"{asked:,}"]
    row += [f"{1000 * cpu / options.clients:.2f}", f"{100 * reading / took:.0f}"]
    print(*row, flush=True)
    return row


def lost_events(publisher, positions: list[list[int]], after: int) -> int:
    """Return how many events were lost; stops at one that came twice, out of order or to the wrong reader."""
    missed = publisher.positions(after)
    lost = 0
    for index, got in enumerate(positions):
        expected = missed[publisher.topics[index % len(publisher.topics)]]
        if got != [position for position in expected if position in set(got)]:
            raise SystemExit(f"Reader {index} got {got[:10]} … instead of {expected[:10]} …")
        lost += len(expected) - len(got)
    return lost


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--behind", type=int, default=100, help="events that each client has missed")
    parser.add_argument("--topics", type=int, default=1, help="the clients are spread over so many topics")
    parser.add_argument("--settle", type=float, default=3, help="seconds before they come back")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    options = parser.parse_args()
    with servers.engines() as stack:
        rows = [run(kind, stack, options) for kind in options.kinds]
    head = ["storm", "all recovered, s", "first back, s", "all subscribed, s", "events lost", "log queries"]
    head += ["statements in all", "ms server CPU per reconnect", "client CPU %"]
    title = f"{options.clients:,} clients back at once, each {options.behind} events behind, {options.topics} topics"
    tables.show(title, head, rows, ["Times of a crash count from the new process's start."])


if __name__ == "__main__":
    main()
