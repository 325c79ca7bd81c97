"""How many things that happen are grouped a second for one recipient: `python -m benchmarks.notifications`.

Starts PostgreSQL of its own, durable as in production. One person is told of likes of one entry by many people, while
the group is closed again and again: in pages, as the subscriber takes them from the log; by 32 threads, one thing in a
transaction each; and, as the baseline, by 32 threads that get the row and save it as a tutorial would. Then the count
of the unread is asked of an inbox of 100,000. The inbox's changes are recorded as events each time but in the baseline.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Callable
from uuid import uuid4

from benchmarks.conditions import describe, line
from benchmarks.stacks import server

PEOPLE, THREADS, PAGE = 500, 32, 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=6400, help="in pages")
    parser.add_argument("--single", type=int, default=640, help="by threads, one by one")
    options = parser.parse_args()
    with server() as stack:
        os.environ.update(stack.environment)
        describe(stack.environment["DATABASE_URL"])
        import django

        from config import environment  # noqa: F401  names the settings module

        django.setup()
        run(options.events, options.single)


def run(count: int, few: int) -> None:
    """Measure with a database at hand."""
    from access.models import User

    User.objects.bulk_create(User(username=f"person{number}") for number in range(PEOPLE + 1))
    alice, *people = User.objects.order_by("pk")
    # The first page loads what every process loads once.
    paged(alice, people, PAGE)
    took = timed(lambda: paged(alice, people, count), alice)
    report("in pages of 200, as the subscriber does", count, took, *groups_of(alice))
    took = timed(lambda: single(alice, people, few), alice)
    report("32 threads, one by one", few, took, *groups_of(alice))
    took = timed(lambda: naive(alice, people, few), alice)
    report("32 threads, get then save (baseline)", few, took, *naive_of())
    unread(alice)


def report(name: str, count: int, seconds: float, groups: int, counted: int) -> None:
    """Print one line."""
    print(f"{name:<44} {count / seconds:>7.0f}/s  {counted} of {count} counted in {groups} groups", flush=True)


def timed(work: Callable[[], None], alice) -> float:
    """Return how long it took, while everything is read every 50 ms."""
    from django.db import connection

    from notifications import actions
    from notifications.models import Notification

    Notification.objects.all().delete()
    done = threading.Event()

    def close() -> None:
        while not done.wait(0.05):
            actions.read_up_to(alice)
        connection.close()

    closer = threading.Thread(target=close)
    closer.start()
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    done.set()
    closer.join()
    return took


def notice(alice, person):
    """Return what is told."""
    from notifications.kinds import Notice

    where = ("entry", "9", "/entries/9/")
    return Notice("like", alice.pk, person.pk, person.username, *where, cause=f"likes/9/{person.pk}")


def paged(alice, people, count: int) -> None:
    """Tell in pages, one transaction each."""
    from notifications import inboxes

    for start in range(0, count, PAGE):
        page = range(start, min(count, start + PAGE))
        inboxes.tell([(notice(alice, people[number % PEOPLE]), uuid4()) for number in page])


def at_once(work: Callable[[int], None], count: int) -> None:
    """Let 32 threads share the work."""
    from django.db import connection

    def share(first: int) -> None:
        for number in range(first, count, THREADS):
            work(number)
        connection.close()

    threads = [threading.Thread(target=share, args=[first]) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def single(alice, people, count: int) -> None:
    """Tell one by one."""
    from notifications import actions

    at_once(lambda number: actions.notify(notice(alice, people[number % PEOPLE]), source_event=uuid4()), count)


def naive(alice, people, count: int) -> None:
    """Do as a tutorial would: look for the open group, count up, save; or make it."""
    from notifications.models import Notification

    def tell(number: int) -> None:
        rows = Notification.objects.filter(recipient=alice, subject_id="naive", read_at=None)
        if (row := rows.first()) is None:
            # A key of its own: without that the database would forbid what this shows.
            Notification.objects.create(
                recipient=alice, group_key=str(uuid4()), kind="like", subject_id="naive", event_count=1
            )
        else:
            row.event_count += 1
            row.save()

    at_once(tell, count)


def groups_of(alice) -> tuple[int, int]:
    """Return how many groups there are, and how much they say has happened."""
    from django.db.models import Count, Sum

    from notifications.models import Notification

    found = Notification.objects.filter(recipient=alice).aggregate(groups=Count("pk"), counted=Sum("event_count"))
    return found["groups"], found["counted"]


def naive_of() -> tuple[int, int]:
    """Return the same of the baseline."""
    from notifications.models import Notification

    rows = list(Notification.objects.filter(subject_id="naive").values_list("event_count", flat=True))
    return len(rows), sum(rows)


def unread(alice) -> None:
    """Ask for the count of an inbox with 100,000 unread."""
    from django.db import connection

    from notifications.models import Inbox, Notification

    rows = (Notification(recipient=alice, kind="like", group_key=f"{n}", is_open=False) for n in range(100_000))
    Notification.objects.bulk_create(rows, batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE notifications_notification")
    took = []
    for _ in range(300):
        began = time.perf_counter()
        Inbox(user_id=alice.pk).unread_count  # noqa: B018  asks
        took.append((time.perf_counter() - began) * 1000)
    print(line("unread count, 100,000 unread", took), f" median {statistics.median(took):.2f} ms")


if __name__ == "__main__":
    main()
