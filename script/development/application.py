"""The commands that make up Tidewire on its engines."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from script.development.children import Part
from script.development.environment import is_debugging


@dataclass(frozen=True)
class Place:
    """Where an application runs."""

    checkout: Path
    state: Path
    port: int
    environment: Mapping[str, str]

    def part(self, name: str, *arguments: str, grace_seconds: float = 10.0) -> Part:
        """A part that is a Python program with these arguments."""
        command = [sys.executable, *arguments]
        return Part(name, command, self.environment, self.checkout, grace_seconds=grace_seconds)


Parts = Callable[[Place], Sequence[Part]]


@dataclass(frozen=True)
class Application:
    """What a stack runs: `before` in order to its end, `kept` for ever, `beside` once while those start."""

    before: Parts
    kept: Parts
    beside: Parts
    ready_path: str = "/readyz"


def migrate(place: Place) -> Part:
    """Bring the database up to date."""
    return place.part("migrate", "manage.py", "migrate", "--noinput", "--verbosity", "0")


def demo(place: Place) -> Part:
    """Seed the demo, where it is not yet there."""
    return place.part("demo", "manage.py", "demo")


def web(place: Place) -> Part:
    """Serve HTTP, WebSockets and streams."""
    address = ["--host", "127.0.0.1", "--port", str(place.port)]
    speed = ["--loop", "uvloop", "--http", "httptools", "--no-proxy-headers"]
    quiet = ["--no-access-log", "--log-level", "warning"]
    # Silence is noticed by heartbeats in the protocol itself, so frames of ping would say it twice.
    sockets = ["--ws", "events.live.server:LiveProtocol", "--ws-ping-interval", "0", "--ws-max-size", "1048576"]
    # What is compressed for each client apart cannot be shared by all.
    sockets += ["--ws-per-message-deflate", "false"]
    ending = ["--timeout-graceful-shutdown", "5"]
    return place.part("web", "-m", "uvicorn", "config.asgi:application", *address, *speed, *quiet, *sockets, *ending)


def relay(place: Place) -> Part:
    """Give committed events their positions at once."""
    return place.part("relay", "manage.py", "events", "relay")


def deliver(place: Place) -> Part:
    """Send webhooks as events happen."""
    return place.part("deliver", "manage.py", "webhooks", "deliver")


def worker(place: Place) -> Part:
    """Run the tasks."""
    options = ["--concurrency", "3", "--loglevel", "WARNING", "-Q", "celery,webhooks"]
    options += ["--without-mingle", "--without-gossip"]
    return as_any_user(place).part(
        "worker", "-m", "celery", "-A", "config", "--quiet", "worker", *options, grace_seconds=8
    )


def beat(place: Place) -> Part:
    """Send the tasks that are due by the clock."""
    schedule = str(place.state / "celerybeat-schedule")
    options = ["--loglevel", "WARNING", "--schedule", schedule, "--pidfile="]
    return place.part("beat", "-m", "celery", "-A", "config", "--quiet", "beat", *options)


def as_any_user(place: Place) -> Place:
    """The same place, where a worker that root started on purpose does not complain of it."""
    warning = "ignore:You're running the worker with superuser privileges"
    filters = ",".join(filter(None, [place.environment.get("PYTHONWARNINGS"), warning]))
    environment = {**place.environment, "PYTHONWARNINGS": filters}
    return Place(place.checkout, place.state, place.port, environment) if os.geteuid() == 0 else place


DJANGO = Application(
    before=lambda place: [migrate(place)],
    kept=lambda place: [web(place), relay(place), deliver(place), worker(place), beat(place)],
    beside=lambda place: [demo(place)] if is_debugging(place.environment) else [],
)
