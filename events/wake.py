"""Wake-ups: hints to the workers, given off the caller's thread and never at the caller's cost.

A wake-up that is lost costs a second: beat sweeps for what a hint should have started.
"""

import atexit
import logging
import os
import threading
import time

from celery import current_app
from django.core.cache import cache

logger = logging.getLogger(__name__)

# While somebody's wake-up waits in the broker, another for the same work is not sent.
FLAG_SECONDS = 1
BREAKER_SECONDS = 1.0
QUEUE_LIMIT = 1000

RELAY = "events.tasks.relay_outbox"
SUBSCRIBER = "events.tasks.run_subscriber"


class Waker:
    """One thread per process that carries wake-ups to the broker; with a dead broker it drops them and rests."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[str, tuple], float] = {}
        self._sending = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def want(self, task: str, args: tuple = (), delay_seconds: float = 0) -> None:
        """Ask for a task soon; asking again before it was sent adds nothing. Never blocks, never raises."""
        with self._changed:
            self._ensure_thread()
            if len(self._wanted) < QUEUE_LIMIT:
                self._wanted.setdefault((task, args), delay_seconds)
            self._changed.notify()

    def _ensure_thread(self) -> None:
        # A forked child inherits this object but not the thread.
        if self._pid != os.getpid() or self._thread is None or not self._thread.is_alive():
            self._pid = os.getpid()
            self._wanted.clear()
            self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted)
                batch, self._wanted, self._sending = self._wanted, {}, True
            try:
                for (task, args), delay in batch.items():
                    send(task, args, delay)
            except Exception as error:  # noqa: BLE001  whatever the broker's trouble is, the sweep repairs it
                logger.warning("No wake-up was sent (%s); the sweep will do the work.", error)
                time.sleep(BREAKER_SECONDS)
            finally:
                self._sending = False

    def flush(self, timeout: float = 0.5) -> None:
        """Wait until what was asked for has been taken up, at most for the timeout: for short-lived commands."""
        deadline = time.monotonic() + timeout
        while self._pid == os.getpid() and (self._wanted or self._sending) and time.monotonic() < deadline:
            time.sleep(0.005)


def send(task: str, args: tuple = (), delay_seconds: float = 0) -> None:
    """Send a task by its name unless its flag says that one is on its way already; raises what the broker raises."""
    if delay_seconds or cache.add(_flag(task, args), 1, timeout=FLAG_SECONDS):
        current_app.send_task(task, args=args, countdown=delay_seconds or None, expires=60, retry=False)


def clear(task: str, *args: str) -> None:
    """Take the flag down, before the work looks for what there is to do; without a cache there is none."""
    try:
        cache.delete(_flag(task, args))
    except Exception as error:  # noqa: BLE001  the flag falls by itself within its life
        logger.debug("The flag of %s was not cleared: %s", task, error)


def _flag(task: str, args: tuple) -> str:
    return "wake." + ".".join((task, *map(str, args)))


_waker = Waker()
atexit.register(_waker.flush)


def relay() -> None:
    """Wake the relay: something was committed to the outbox."""
    _waker.want(RELAY)


def subscriber(name: str) -> None:
    """Wake one subscriber: the log has grown."""
    _waker.want(SUBSCRIBER, (name,))


def task(name: str, delay_seconds: float = 0) -> None:
    """Wake a task of another app by its full name, at once or in some seconds (never more than a minute)."""
    _waker.want(name, (), min(delay_seconds, 60))
