"""Presence: who is here, topic by topic.

Each process holds leases in the database for those who are connected to it, and renews them; the leases of a process
that has died expire. Joins and leaves are told once in a while, all together, as live-only notices.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models.functions import Now

from events import catalogue, channel
from events.live.hub import ask
from events.models import PresenceLease

logger = logging.getLogger(__name__)

TELL_SECONDS = 1.0
# Who comes back so soon, as a page that is loaded anew does, has not left.
LINGER_SECONDS = 5.0
RENEW_SECONDS = 20.0
LEASE = timedelta(seconds=60)
# Of a larger crowd a notice names so many, and gives the count.
NAMED = 100


class Person(NamedTuple):
    """Who is here."""

    id: int
    username: str


class Place(NamedTuple):
    """Somebody on a topic."""

    topic: str
    person: Person


@lru_cache(maxsize=10_000)
def has_presence(topic: str) -> bool:
    """Say whether one may see who reads the topic."""
    return catalogue.has_presence(topic)


class Presence:
    """Who is here through this process."""

    def __init__(self) -> None:
        self._process = uuid4()
        self._count: Counter[Place] = Counter()
        self._entered: set[Place] = set()
        self._left: dict[Place, float] = {}
        self._held: set[Place] = set()
        self._task = asyncio.create_task(self._run())

    def change(self, user: Any, before: Collection[str], after: Collection[str]) -> None:
        """Take notice that a connection of the user's reads other topics than before."""
        if not user.is_authenticated:
            return
        person = Person(user.pk, user.get_username())
        for topic in set(after) - set(before):
            if has_presence(topic):
                self._enter(Place(topic, person))
        for topic in set(before) - set(after):
            if has_presence(topic):
                self._leave(Place(topic, person))

    def _enter(self, place: Place) -> None:
        self._count[place] += 1
        self._left.pop(place, None)
        if place not in self._held:
            self._entered.add(place)

    def _leave(self, place: Place) -> None:
        self._count[place] -= 1
        if not self._count[place]:
            del self._count[place]
            self._entered.discard(place)
            if place in self._held:
                self._left[place] = asyncio.get_running_loop().time() + LINGER_SECONDS

    async def _run(self) -> None:
        renewed = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(TELL_SECONDS)
            now = asyncio.get_running_loop().time()
            renews = now - renewed > RENEW_SECONDS
            try:
                if renews:
                    renewed = now
                    await ask(_renew, self._process, list(self._held))
                await self._tell({place for place, moment in self._left.items() if moment <= now}, renews)
            except Exception as error:  # noqa: BLE001  it outlives the database
                logger.warning("Who is here could not be written (%r); trying again.", error)

    async def _tell(self, left: set[Place], sweeps: bool) -> None:
        entered = set(self._entered)
        if not (entered or left or sweeps):
            return
        notices = await ask(_write, self._process, entered, left, sweeps)
        self._held = (self._held | entered) - left
        self._entered -= entered
        for place in left:
            self._left.pop(place, None)
        # Who has come or gone while it was written is told of the next time.
        for place in self._held - set(self._count) - set(self._left):
            self._left[place] = asyncio.get_running_loop().time() + LINGER_SECONDS
        self._entered |= set(self._count) - self._held
        for topic, data in notices.items():
            await channel.notify(f"presence.{topic}", data)

    async def stop(self) -> None:
        """Give all leases back."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._held:
            try:
                notices = await ask(_write, self._process, set(), self._held, False)
                for topic, data in notices.items():
                    await channel.notify(f"presence.{topic}", data)
            except Exception as error:  # noqa: BLE001  the leases expire
                logger.warning("The leases could not be given back: %r", error)


def _renew(process: UUID, held: list[Place]) -> None:
    """Hold the leases for longer; one that was taken for expired meanwhile is made again."""
    _insert(process, held)


def _insert(process: UUID, places: Iterable[Place]) -> None:
    rows = [
        PresenceLease(
            topic=place.topic,
            user_id=place.person.id,
            username=place.person.username,
            process=process,
            expires_at=Now() + LEASE,
        )
        for place in places
    ]
    PresenceLease.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["topic", "user_id", "process"],
        update_fields=["username", "expires_at"],
    )


def _write(process: UUID, entered: set[Place], left: set[Place], sweeps: bool) -> dict[str, dict[str, Any]]:
    """Write who has come and gone; return what there is to tell, by topic."""
    with transaction.atomic():
        expired = _expired() if sweeps else set()
        topics = sorted({place.topic for place in entered | left | expired})
        _lock(topics)
        known = _here(topics)
        _insert(process, entered)
        for place in left:
            PresenceLease.objects.filter(topic=place.topic, user_id=place.person.id, process=process).delete()
        PresenceLease.objects.filter(topic__in=topics, expires_at__lte=Now()).delete()
        present = _here(topics)
    told = {}
    for topic in topics:
        gone = {place.person for place in left | expired if place.topic == topic and place not in present}
        come = {place.person for place in entered if place.topic == topic and place not in known}
        if come or gone:
            count = sum(place.topic == topic for place in present)
            told[topic] = {"joined": _named(come), "left": _named(gone), "count": count}
    return told


def _expired() -> set[Place]:
    rows = PresenceLease.objects.filter(expires_at__lte=Now()).order_by("expires_at")[:1000]
    return {Place(row.topic, Person(row.user_id, row.username)) for row in rows}


def _here(topics: list[str]) -> set[Place]:
    rows = PresenceLease.objects.filter(topic__in=topics, expires_at__gt=Now())
    return {Place(row.topic, Person(row.user_id, row.username)) for row in rows}


def _lock(topics: list[str]) -> None:
    # One after the other: of two processes that lose the same person, one must see that it was the last.
    with connection.cursor() as cursor:
        for topic in topics:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('presence'), hashtext(%s))", [topic])


def _named(people: set[Person]) -> list[dict[str, Any]]:
    return [person._asdict() for person in sorted(people)[:NAMED]]
