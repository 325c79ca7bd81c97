"""Live-only notices: what is told to those who look now, and kept nowhere. The way for the other apps to tell them.

Web processes show in the cache which topics somebody reads; for the others nothing is sent.
"""

import logging
import os
import threading
import time
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, Protocol, Self

from django.core.cache import cache

from events import catalogue, channel

logger = logging.getLogger(__name__)

# At most so often something is told on a topic; what comes meanwhile is told together.
PAUSE_SECONDS = 0.25
BREAKER_SECONDS = 1.0
# More topics than this do not wait: with a dead cache nothing may grow.
WAITING_LIMIT = 1000
# A process that was killed is taken to read its topics for this long.
READ_SECONDS = 10


class News(Protocol):
    """What there is to tell; grows until it is told."""

    def add(self, later: Self) -> None:
        """Take in what came later."""

    def data(self) -> dict[str, Any]:
        """Return what is told; asked only when somebody reads the topic."""


class Teller:
    """One thread per process that tells news; with a dead cache or channel layer it drops them and rests."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin with nothing: at first, and in a forked child, which inherits neither the thread nor a free lock."""
        self._waiting: dict[tuple[str, type], News] = {}
        self._telling = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def tell(self, topic: str, news: News) -> None:
        """Tell soon, together with what waits already; never blocks, never raises."""
        key = (topic, type(news))
        with self._changed:
            self._ensure_thread()
            if key in self._waiting:
                self._waiting[key].add(news)
            elif len(self._waiting) < WAITING_LIMIT:
                self._waiting[key] = news
            self._changed.notify()

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                batch, self._waiting, self._telling = self._waiting, {}, True
            try:
                _send(batch)
            except Exception as error:  # noqa: BLE001  a notice is only for those who can be reached
                logger.warning("Nobody was told of %s topics: %r", len(batch), error)
                time.sleep(BREAKER_SECONDS)
            finally:
                self._telling = False
            time.sleep(PAUSE_SECONDS)

    def flush(self, seconds: float) -> None:
        """Wait until what waits was told, at most for some seconds: for short-lived commands."""
        deadline = time.monotonic() + seconds
        while (self._waiting or self._telling) and time.monotonic() < deadline:
            time.sleep(0.005)


def _send(batch: dict[tuple[str, type], News]) -> None:
    read = read_among({topic for topic, _ in batch})
    if told := [(topic, news.data()) for (topic, _), news in batch.items() if topic in read]:
        channel.notify_now(told)


_teller = Teller()
os.register_at_fork(after_in_child=_teller.begin)


def tell(topic: str, news: News) -> None:
    """Tell those who read the topic now, soon and off this thread; lost when nobody does. Never blocks or raises."""
    _teller.tell(topic, news)


def flush(seconds: float = 1.0) -> None:
    """Wait until what waits was told, at most for some seconds."""
    _teller.flush(seconds)


@lru_cache(maxsize=10_000)
def are_told_on(topic: str) -> bool:
    """Say whether notices are told on the topic by this module."""
    return catalogue.has_notices(topic)


def show_read(topics: Iterable[str]) -> None:
    """Show for some seconds that somebody reads these topics, as far as notices are told on them. Never raises."""
    flags = {_flag(topic): 1 for topic in topics if are_told_on(topic)}
    try:
        if flags:
            cache.set_many(flags, timeout=READ_SECONDS)
    except Exception as error:  # noqa: BLE001  who reads on is shown again
        logger.debug("Who reads notices was not shown: %r", error)


def read_among(topics: Collection[str]) -> set[str]:
    """Return those of the topics that somebody reads; raises what the cache raises."""
    shown = cache.get_many([_flag(topic) for topic in topics])
    return {topic for topic in topics if _flag(topic) in shown}


def _flag(topic: str) -> str:
    return f"notices.read.{topic}"
