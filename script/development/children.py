"""One process and the group it leads, from its start to its last member's end."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from script.development.rooms import Account


@dataclass(frozen=True)
class Part:
    """What to run, and how to stop it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    account: Account | None = None
    before_start: Callable[[], None] = lambda: None
    # Lines for which this is false are kept in the journal only.
    shows: Callable[[str], bool] = lambda line: True


class Child:
    """A running part; when its first process ends, the others of its group end too."""

    def __init__(self, part: Part, on_line: Callable[[str], None]) -> None:
        self.part = part
        self.ended = threading.Event()
        self._on_line = on_line
        self._lock = threading.Lock()
        self._popen = subprocess.Popen(
            list(part.command),
            cwd=part.folder,
            env=dict(part.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A Ctrl-C in the terminal is for the runner alone, which then stops all in order.
            start_new_session=True,
            **(part.account.as_arguments() if part.account else {}),
        )
        self.pid = self._popen.pid
        self.started = time.monotonic()
        self.create_time = create_time(self.pid)
        self._reader = threading.Thread(target=self._read, name=f"{part.name} output", daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """Wait for the end, end what is left of the group, and return the exit status."""
        wait_without_reaping(self.pid)
        with self._lock:
            # Only while the leader is not reaped is its number certain to be our group's.
            signal_group(self.pid, signal.SIGKILL)
            status = self._popen.wait()
            self.ended.set()
        self._reader.join(timeout=1)
        return status

    def stop(self) -> None:
        """Ask for the end, and after the part's grace enforce it; somebody else must be in `wait`."""
        self.signal(self.part.stop_signal)
        if not self.ended.wait(self.part.grace_seconds):
            self.kill()
        self.ended.wait(5)

    def signal(self, number: int) -> None:
        """Send a signal to the first process, if it has not ended."""
        with self._lock:
            if not self.ended.is_set():
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process, its group and all their descendants at once."""
        with self._lock:
            if self.ended.is_set():
                return
            descendants = family(self.pid)
            signal_group(self.pid, signal.SIGKILL)
        kill_all(descendants)

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._on_line(line.decode(errors="replace").rstrip())


def create_time(pid: int) -> float:
    """When a process began, by which a reused number is told from the process that had it."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def wait_without_reaping(pid: int) -> None:
    """Wait until a child has ended, leaving it a zombie, so that its number is not given away."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return
    while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.05)


def signal_group(leader: int, number: int) -> None:
    """Signal a process group, if anyone is left in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill_all(processes: list[psutil.Process]) -> None:
    """Kill each process that is still the one it was."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
