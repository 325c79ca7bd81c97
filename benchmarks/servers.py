"""The servers under test, each alone on one core: Tidewire, a bare loop, the tutorial's consumer on two servers."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from benchmarks.machine import SERVER_CORE, allow_many_files, cpu_seconds, memory_bytes, take_client_cores
from benchmarks.stacks import SETTINGS
from script.development.application import Application, Place, migrate, web
from script.development.rooms import CHECKOUT
from script.development.stack import Stack

NOTHING = Application(before=lambda place: [], kept=lambda place: [], beside=lambda place: [], ready_path="")
ENGINES = replace(NOTHING, before=lambda place: [migrate(place)])
NAMES = ("tidewire", "bare", "tutorial", "tutorial-daphne")


@contextmanager
def engines() -> Iterator[Stack]:
    """Run PostgreSQL and Valkey with an empty database, and set Django up on them in this process."""
    take_client_cores()
    allow_many_files()
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="tidewire-benchmark-")))
        stack = Stack(folder, environment=SETTINGS, application=ENGINES, throwaway=True)
        held.enter_context(stack)
        os.environ.update(stack.environment, DJANGO_SETTINGS_MODULE="config.settings")
        import django

        django.setup()
        yield stack


class Server:
    """A server process, pinned to its core."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self._command = command(name, self.port)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - held until the process has ended

    @property
    def pid(self) -> int:
        """Return its process number."""
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time that it has taken."""
        return cpu_seconds(self.pid)

    @property
    def memory_bytes(self) -> int:
        """Return its memory."""
        return memory_bytes(self.pid)

    def start(self) -> None:
        """Start it, and do not wait."""
        pinned = ["taskset", "--cpu-list", str(SERVER_CORE), *self._command]
        self._process = subprocess.Popen(pinned, cwd=CHECKOUT, stdout=self._log, stderr=subprocess.STDOUT)

    def wait(self, seconds: float = 60) -> None:
        """Return when it takes connections."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as caller:
                if caller.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise SystemExit(f"{self.name} did not start:\n{self.said()}")

    def said(self) -> str:
        """Return the last of what it has written."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2000:]

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        """Start it and wait until it takes connections."""
        self.start()
        self.wait()
        return self

    def __exit__(self, *error: object) -> None:
        """End it, and show what it complained of."""
        self.kill()
        if said := self.said():
            print(f"{self.name} wrote:\n{said}", file=sys.stderr)


def command(name: str, port: int) -> list[str]:
    """Return what starts a server; the tutorial's has Tidewire's own flags."""
    tidewire = list(web(Place(CHECKOUT, CHECKOUT, port, {})).command)
    if name == "tidewire":
        return tidewire
    if name == "bare":
        return [sys.executable, "-m", "benchmarks.bare", str(port)]
    if name == "tutorial":
        return [word.replace("config.asgi", "benchmarks.tutorial") for word in tidewire]
    options = ["-b", "127.0.0.1", "-p", str(port), "-v", "0", "--ping-interval", "3600"]
    return [sys.executable, "-m", "daphne", *options, "benchmarks.tutorial:application"]


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
