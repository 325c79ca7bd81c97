"""Make .venv and install the requirements; called by script/bootstrap with the stamp to leave behind."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
VENV = CHECKOUT / ".venv"
STAMP = VENV / "installed"
PYTHON = VENV / "bin" / "python"


def main(wanted: str) -> int:
    """Leave a .venv that holds the requirements, or say what to do instead."""
    with only_one_at_a_time():
        if usable() and STAMP.exists() and STAMP.read_text().strip() == wanted:
            return 0
        STAMP.unlink(missing_ok=True)
        if not usable() and not made():
            return failed("a virtual environment could not be made in .venv", "remove .venv and run this again")
        if not installed():
            return failed("the requirements could not be installed", "see above; then run this again")
        STAMP.write_text(wanted + "\n")
    return 0


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Hold the checkout's installation lock; whoever comes second waits for the first."""
    state = CHECKOUT / ".tidewire"
    state.mkdir(mode=0o700, exist_ok=True)
    with (state / "bootstrap.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another installation in this checkout …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def usable() -> bool:
    """Tell whether .venv has a Python that can install packages."""
    if not PYTHON.exists():
        return False
    probe = subprocess.run([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL, check=False)
    return probe.returncode == 0


def made() -> bool:
    """Make .venv afresh."""
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    return subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False).returncode == 0


def installed() -> bool:
    """Install the requirements, showing one line of progress."""
    started = time.monotonic()
    say("Installing what Tidewire needs into .venv (about a minute the first time) …")
    command: list[str | Path] = [PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "-r", CHECKOUT / "requirements-dev.txt"]
    pip = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert pip.stdout is not None
    lines = []
    for line in pip.stdout:
        lines.append(line)
        show_progress(line.strip())
    clear_progress()
    if pip.wait() != 0:
        print("".join(lines[-30:]), file=sys.stderr)
        return False
    say(f"Installed in {time.monotonic() - started:.0f} s.")
    return True


def show_progress(line: str) -> None:
    """Rewrite the terminal's last line with what pip is doing; elsewhere show nothing."""
    if sys.stderr.isatty() and line.startswith(("Collecting", "Downloading", "Installing")):
        width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
        print(f"\r\033[K{line[:width]}", end="", file=sys.stderr, flush=True)


def clear_progress() -> None:
    """Take the progress line away."""
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def say(line: str) -> None:
    """Tell the user, on stderr, so that a caller's stdout stays its own."""
    print(line, file=sys.stderr, flush=True)


def failed(what: str, remedy: str) -> int:
    """Report a failure with its remedy; the exit status."""
    say(f"script/bootstrap: {what}: {remedy}.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
