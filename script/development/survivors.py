"""Finds and ends the processes that a runner left behind when it was killed."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from script.development.children import Child, family, kill_all
from script.development.environment import MARK, write_private
from script.development.problems import Problem


class Record:
    """The file that names a room's running processes."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def write(self, children: list[Child]) -> None:
        """Name the processes that run now."""
        rows = [{"name": c.part.name, "pid": c.pid, "create_time": c.create_time} for c in children]
        write_private(self._path, json.dumps(rows))

    def end_survivors(self, report: Callable[[str], None]) -> None:
        """End every process of this room that is not the caller's; call it only under the room's lock."""
        found = self.survivors()
        if found:
            report(f"Ending {len(found)} processes that an earlier run left behind …")
            kill_all(found)
            if alive := still_alive(found, seconds=10):
                numbers = " ".join(str(process.pid) for process in alive)
                raise Problem(f"Processes of an earlier run do not end: end them by `kill -9 {numbers}`.")
        self._path.unlink(missing_ok=True)

    def survivors(self) -> list[psutil.Process]:
        """The processes of this room, and all below them, but for the caller's."""
        first = [*self._recorded(), *self._marked()]
        found = {member.pid: member for process in first for member in family(process.pid)}
        return list(found.values())

    def _recorded(self) -> list[psutil.Process]:
        try:
            rows = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return []
        return [process for row in rows if (process := same(row["pid"], row["create_time"]))]

    def _marked(self) -> list[psutil.Process]:
        # A group whose recorded leader is dead is known by the mark its members inherited.
        own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        candidates = [process for process in psutil.process_iter() if process.pid not in own]
        return [process for process in candidates if mark_of(process) == self._key]


def same(pid: int, create_time: float) -> psutil.Process | None:
    """The process with this number, if it is the one that was recorded."""
    try:
        process = psutil.Process(pid)
        # Times are counted from the boot, whose own time moves a little when the clock is corrected.
        return process if abs(process.create_time() - create_time) < 2 else None
    except psutil.Error:
        return None


def still_alive(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that have not ended after this long."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def lives(process: psutil.Process) -> bool:
    """Tell whether a process has not ended; in some containers nobody reaps the ones that have."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def mark_of(process: psutil.Process) -> str | None:
    """The room that a process belongs to by its environment."""
    try:
        mark: str | None = process.environ().get(MARK)
        return mark
    except (psutil.Error, OSError):
        return None
