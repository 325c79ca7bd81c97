"""Where the parts' lines go: a terminal, files, memory."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

Report = Callable[[str, str], None]

COLOURS = {
    "web": "36",
    "relay": "94",
    "deliver": "96",
    "worker": "32",
    "beat": "35",
    "postgres": "34",
    "valkey": "31",
    "migrate": "33",
    "demo": "33",
}


class Terminal:
    """Prints each line behind its part's name; a closed terminal is not an error."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._colours = self._stream.isatty() and not os.environ.get("NO_COLOR")

    def __call__(self, name: str, line: str) -> None:
        """Print a part's line; a line of nobody is the runner's own and has no prefix."""
        with self._lock, suppress(OSError, ValueError):
            print(self._prefix(name) + line, file=self._stream, flush=True)

    def _prefix(self, name: str) -> str:
        if not name:
            return ""
        prefix = f"{name:<8} | "
        return f"\033[{COLOURS.get(name, '37')}m{prefix}\033[0m" if self._colours else prefix


class Journal:
    """Keeps each part's lines in a file and the last ones in memory."""

    def __init__(self, folder: Path, remembered: int = 20) -> None:
        self._folder = folder
        self._remembered = remembered
        self._tails: dict[str, deque[str]] = {}
        self._files: dict[str, TextIO] = {}
        self._closed = False
        self._lock = threading.Lock()

    def add(self, name: str, line: str) -> None:
        """Keep one line."""
        with self._lock:
            if self._closed:
                return
            if name not in self._files:
                self._files[name] = (self._folder / f"{name}.log").open("w", buffering=1, errors="replace")
                self._tails[name] = deque(maxlen=self._remembered)
            self._files[name].write(line + "\n")
            self._tails[name].append(line)

    def last(self, *names: str) -> str:
        """The last lines of some parts, for an error message."""
        with self._lock:
            lines = [f"  {name:<8} | {line}" for name in names for line in self._tails.get(name, ())]
        return "\n".join(lines) or "  (it wrote nothing)"

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            for file in self._files.values():
                file.close()
            self._closed = True
