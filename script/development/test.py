"""Run the test suite on engines that exist only for it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from script.development.application import Application
from script.development.environment import chosen
from script.development.locks import Lock
from script.development.output import Terminal
from script.development.problems import Problem
from script.development.rooms import CHECKOUT, Room
from script.development.stack import Stack
from script.development.survivors import Record

PREFIX = "tidewire-test-"
NOTHING = Application(before=lambda place: [], kept=lambda place: [], beside=lambda place: [], ready_path="")
# pytest's own status for a run that a signal ended.
INTERRUPTED = 2
ENDING_SECONDS = 60


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments; its exit status."""
    # SIGINT too: a shell lets background commands ignore it, and pytest would inherit that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    remove_abandoned()
    state = Path(tempfile.mkdtemp(prefix=PREFIX))
    stack = Stack(state, environment=chosen(os.environ), application=NOTHING, report=errors_only, throwaway=True)
    try:
        with stack:
            return run_pytest(arguments, stack.environment)
    except Problem as problem:
        print(f"script/test: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        shutil.rmtree(state, ignore_errors=True)


def run_pytest(arguments: list[str], engines: dict[str, str]) -> int:
    """Run pytest in the foreground; whatever ends this process lets pytest clean up first."""
    given = {name: engines[name] for name in ("DATABASE_URL", "REDIS_URL")}
    if os.environ.get("DATABASE_URL"):
        # Tests of the whole server then use it too, and kill none that is not theirs.
        given["TIDEWIRE_TEST_DATABASE_IS_GIVEN"] = "1"
    secret = os.environ.get("SECRET_KEY") or "a-secret-for-tests-that-protects-nothing-at-all"
    # As everywhere but in development DEBUG is off; tests speak plain HTTP, and as fast as they can.
    plain = {"TIDEWIRE_HTTPS": "0", "TIDEWIRE_LIMITS": "development"}
    environment = {**plain, **os.environ, **given, "SECRET_KEY": secret}
    pytest = subprocess.Popen([sys.executable, "-m", "pytest", *arguments], cwd=CHECKOUT, env=environment)
    # The terminal sends Ctrl-C to both; by other signals pytest would leave out its teardown.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, frame: end(pytest))
    return pytest.wait()


def end(pytest: subprocess.Popen[bytes]) -> None:
    """Interrupt pytest; kill it if its teardown takes too long."""
    pytest.send_signal(signal.SIGINT)
    signal.signal(signal.SIGALRM, lambda got, frame: pytest.kill())
    signal.alarm(ENDING_SECONDS)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Unwind as after Ctrl-C."""
    raise KeyboardInterrupt


def errors_only(name: str, line: str) -> None:
    """Show what engines say only where it is not what tests provoke."""
    if "FATAL" in line or "PANIC" in line:
        Terminal(sys.stderr)(name, line)


def remove_abandoned() -> None:
    """Remove what test runs left that were killed."""
    for state in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if not may_be_abandoned(state):
                continue
            lock = Lock(state / "lock")
        # Another run has it, or has removed it since it was listed.
        except (Problem, OSError):
            continue
        room = Room(state)
        Record(state / "processes.json", room.key).end_survivors(lambda line: None)
        room.remove_engines()
        shutil.rmtree(state, ignore_errors=True)
        lock.release()


def may_be_abandoned(state: Path) -> bool:
    """Whether this is a folder of this account, old enough that its run would have taken its lock."""
    found = state.lstat()
    return found.st_uid == os.getuid() and time.time() - found.st_mtime >= 60 and state.is_dir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
