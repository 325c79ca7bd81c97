"""Live-only notices: what is told to those who look now, and kept nowhere. The way for the other apps to tell them.

Web processes show in the cache which topics somebody reads; for the others nothing is sent.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from django.core.cache import cache

from events import catalogue, channel

logger = logging.getLogger(__name__)

# At most so often something is told; what comes meanwhile is told together.
PAUSE_SECONDS = 0.25
BREAKER_SECONDS = 1.0
# More things than about so many do not wait: with a dead cache nothing may grow.
WAITING_LIMIT = 2000
# A process that was killed is taken to read its topics for this long.
READ_SECONDS = 10
SOMETHING = "notices.read"

# Makes of things what is to be told on each topic; the data is made only where somebody reads.
Digest = Callable[[Sequence[Any]], Iterable[tuple[str, Callable[[], dict[str, Any]]]]]


class Teller:
    """One thread per process that tells; with a dead cache or channel layer it drops what waits and rests."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin with nothing: at first, and in a forked child, which inherits neither the thread nor a free lock."""
        self._waiting: dict[Digest, list[Sequence[Any]]] = {}
        self._count = 0
        self._telling = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def tell(self, digest: Digest, things: Sequence[Any]) -> None:
        """Tell soon of some things, together with what waits already; never blocks, never raises."""
        with self._changed:
            self._ensure_thread()
            if self._count < WAITING_LIMIT:
                self._waiting.setdefault(digest, []).append(things)
                self._count += len(things)
            self._changed.notify()

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            # Not by a name: what was told would be kept until there is something else to tell.
            self._tell(self._take())
            time.sleep(PAUSE_SECONDS)

    def _take(self) -> dict[Digest, list[Sequence[Any]]]:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting))
            batch, self._waiting, self._count, self._telling = self._waiting, {}, 0, True
        return batch

    def _tell(self, batch: dict[Digest, list[Sequence[Any]]]) -> None:
        try:
            if is_something_read():
                for digest, things in batch.items():
                    _send(list(digest(list(chain.from_iterable(things)))))
        except Exception as error:  # noqa: BLE001  a notice is only for those who can be reached
            logger.warning("Nobody was told: %r", error)
            time.sleep(BREAKER_SECONDS)
        finally:
            self._telling = False

    def flush(self, seconds: float) -> None:
        """Wait until what waits was told, at most for some seconds: for short-lived commands."""
        deadline = time.monotonic() + seconds
        while (self._waiting or self._telling) and time.monotonic() < deadline:
            time.sleep(0.005)


def _send(news: Sequence[tuple[str, Callable[[], dict[str, Any]]]]) -> None:
    read = read_among({topic for topic, _ in news})
    if told := [(topic, make()) for topic, make in news if topic in read]:
        channel.notify_now(told)


_teller = Teller()
os.register_at_fork(after_in_child=_teller.begin)


def tell(digest: Digest, things: Sequence[Any]) -> None:
    """Tell, soon and off this thread, what the digest makes of these things and of what else waits for it.

    Nobody looks at the things when nobody reads a topic of notices. Never blocks or raises.
    """
    _teller.tell(digest, things)


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
            cache.set_many({**flags, SOMETHING: 1}, timeout=READ_SECONDS)
    except Exception as error:  # noqa: BLE001  who reads on is shown again
        logger.debug("Who reads notices was not shown: %r", error)


def is_something_read() -> bool:
    """Say whether somebody reads any topic of notices; raises what the cache raises."""
    return cache.get(SOMETHING) is not None


def read_among(topics: Collection[str]) -> set[str]:
    """Return those of the topics that somebody reads; raises what the cache raises."""
    shown = cache.get_many([_flag(topic) for topic in topics])
    return {topic for topic in topics if _flag(topic) in shown}


def _flag(topic: str) -> str:
    return f"{SOMETHING}.{topic}"
