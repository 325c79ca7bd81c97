"""Wake-ups: hints to the workers and to the resident relay, given off the caller's thread and never at its cost.

A wake-up that is lost costs a second: beat sweeps for what a hint should have started.
"""

import atexit
import logging
import os
import threading
import time

from celery import current_app
from django.core.cache import cache

from events import channel

logger = logging.getLogger(__name__)

# While somebody's wake-up waits in the broker, another for the same work is not sent.
FLAG_SECONDS = 1
BREAKER_SECONDS = 1.0
QUEUE_LIMIT = 1000
EXPIRES_SECONDS = 60

RELAY = "events.tasks.relay_outbox"
SUBSCRIBER = "events.tasks.run_subscriber"

# A resident process shows that it lives: one that was killed or stopped is no longer called after this long.
RESIDENT_SECONDS = 3

PAUSE_SECONDS = 0.002
# A command that ends waits so long at most for its wake-up to be sent: the first one imports what sends it.
FLUSH_SECONDS = 3.0

# Which resident process does the work of a task while it lives, and is called instead of a worker.
_left_to: dict[tuple[str, tuple], str] = {(RELAY, ()): channel.RELAY}
# Which hears by itself that the log has grown, so that its subscriber need not be woken.
_followed_by: dict[str, str] = {}


def leave_to(resident: str, task: str) -> None:
    """Let a resident process of this name do the work of a task, while one lives."""
    _left_to[task, ()] = resident


def follow_with(resident: str, name: str) -> None:
    """Let a resident process of this name run a subscriber, while one lives."""
    _followed_by[name] = resident


class Waker:
    """One thread per process that carries wake-ups to the broker; with a dead broker it drops them and rests."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin with nothing: at first, and in a forked child, which inherits neither the thread nor a free lock."""
        self._wanted: dict[tuple[str, tuple], float] = {}
        self._sending = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def want(self, task: str, args: tuple = (), delay_seconds: float = 0) -> None:
        """Ask for a task soon; asking again before it was sent adds nothing. Never blocks, never raises."""
        wanted = (task, args)
        with self._changed:
            self._ensure_thread()
            if wanted in self._wanted or len(self._wanted) < QUEUE_LIMIT:
                self._wanted[wanted] = min(delay_seconds, self._wanted.get(wanted, delay_seconds))
            self._changed.notify()

    def _ensure_thread(self) -> None:
        if self._thread is None:
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
            # A process that commits without rest asks once for all that it committed in so long.
            time.sleep(PAUSE_SECONDS)

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Wait until what was asked for has been taken up, at most for the timeout: for short-lived commands."""
        deadline = time.monotonic() + timeout
        while (self._wanted or self._sending) and time.monotonic() < deadline:
            time.sleep(0.005)


def send(task: str, args: tuple = (), delay_seconds: float = 0) -> None:
    """Send a task by its name unless its flag says that one is on its way already; raises what the broker raises."""
    if task == SUBSCRIBER and (follower := _followed_by.get(args[0])) and _known(follower).lives():
        return
    # A later one has a flag for its own moment: else each sweep would add another to those that wait for it.
    moment = f"@{time.time() + delay_seconds:.1f}" if delay_seconds else ""
    if cache.add(_flag(task, args) + moment, 1, timeout=FLAG_SECONDS + delay_seconds):
        if not delay_seconds and (resident := _left_to.get((task, args))) and _known(resident).lives():
            return channel.call(resident)
        expires = EXPIRES_SECONDS + delay_seconds
        current_app.send_task(task, args=args, countdown=delay_seconds or None, expires=expires, retry=False)


def clear(task: str, *args: str) -> None:
    """Take the flag down, before the work looks for what there is to do; without a cache there is none."""
    try:
        cache.delete(_flag(task, args))
    except Exception as error:  # noqa: BLE001  the flag falls by itself within its life
        logger.debug("The flag of %s was not cleared: %s", task, error)


def _flag(task: str, args: tuple) -> str:
    return "wake." + ".".join((task, *map(str, args)))


def show_resident(name: str = channel.RELAY, *, lives: bool = True) -> None:
    """Say that a resident process lives, or that it ends, so that wake-ups go to it or to the workers."""
    try:
        cache.set(_life(name), 1, timeout=RESIDENT_SECONDS) if lives else cache.delete(_life(name))
    except Exception as error:  # noqa: BLE001  unseen, it still looks every second
        logger.debug("The resident %s was not shown: %s", name, error)


def resident_lives(name: str = channel.RELAY) -> bool:
    """Say whether a resident process has shown itself lately; without a cache none has."""
    try:
        return cache.get(_life(name)) is not None
    except Exception as error:  # noqa: BLE001  then the workers do its work
        logger.debug("No resident %s can be seen: %s", name, error)
        return False


def _life(name: str) -> str:
    return f"wake.resident_{name}"


class _Known:
    """Whether a resident process lives, asked at most once a second: each wake-up is on some event's way."""

    def __init__(self, name: str = channel.RELAY) -> None:
        self._name = name
        self._lives, self._until = False, 0.0

    def lives(self) -> bool:
        """Say so, as of a second ago at most."""
        if time.monotonic() >= self._until:
            self._lives, self._until = resident_lives(self._name), time.monotonic() + FLAG_SECONDS
        return self._lives


_residents: dict[str, _Known] = {}


def _known(name: str) -> _Known:
    return _residents.setdefault(name, _Known(name))


_waker = Waker()
atexit.register(_waker.flush)
os.register_at_fork(after_in_child=_waker.begin)


def relay() -> None:
    """Wake the relay: something was committed to the outbox."""
    _waker.want(RELAY)


def subscriber(name: str) -> None:
    """Wake one subscriber: the log has grown."""
    _waker.want(SUBSCRIBER, (name,))


def task(name: str, delay_seconds: float = 0, args: tuple[str, ...] = ()) -> None:
    """Wake a task of another app by its full name, at once or in some seconds (never more than a minute)."""
    _waker.want(name, args, min(delay_seconds, 60))
