"""One runner for each room."""

import fcntl
import os
from pathlib import Path

from script.development.problems import Problem


class Lock:
    """Held by the runner for as long as it lives, however it ends; tells others who holds it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "starting"
            self._file.close()
            raise Problem(
                f"Tidewire runs here already ({holder}). Use that one, or stop it by Ctrl-C in its terminal."
            ) from None
        self.tell("")

    def tell(self, url: str) -> None:
        """Let whoever comes second read the holder's number and address."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"pid {os.getpid()}" + (f", {url}" if url else ""))
        self._file.flush()

    def release(self) -> None:
        """Let another runner have the room."""
        self._file.close()
