import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from script.development.children import family
from script.development.environment import NAMES
from script.development.rooms import Room
from script.development.stack import Stack
from script.development.survivors import still_alive

RUNNER = Path(__file__).parent / "programs" / "runner.py"


class Runner:
    """script/server as a process, without Django, whose lines can be awaited."""

    def __init__(self, checkout, **environment):
        inherited = {name: value for name, value in os.environ.items() if name not in NAMES}
        self.process = subprocess.Popen(
            [sys.executable, str(RUNNER), str(checkout)],
            env={**inherited, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self.lines.append("(end)")
            self._news.notify_all()

    def wait_line(self, text, timeout=30):
        def found():
            return next((line for line in self.lines if text in line or line == "(end)"), None)

        with self._news:
            line = self._news.wait_for(found, timeout)
        assert line and text in line, f"never said {text!r}: {self.lines}"
        return line

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture(scope="session")
def application():
    specification = importlib.util.spec_from_file_location("stack_without_django", RUNNER)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.APPLICATION


@pytest.fixture
def make_stack(tmp_path, application):
    made = []

    def make(room=None, **arguments):
        stack = Stack(room or tmp_path / "room", **{"application": application, "throwaway": True, **arguments})
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.stop()
        stack.room.remove_engines()


@pytest.fixture
def run(tmp_path):
    runners = []

    def start(checkout=tmp_path, **environment):
        runner = Runner(checkout, **environment)
        runners.append((runner, Room.of_checkout(checkout)))
        return runner

    yield start
    for runner, room in runners:
        if runner.process.poll() is None:
            runner.end(15)
        kill(members(room))
        room.remove_engines()


@pytest.fixture(scope="session")
def running_stack(tmp_path_factory, application):
    """One stack for all tests that leave it as they found it."""
    with Stack(tmp_path_factory.mktemp("running") / "room", application=application, throwaway=True) as stack:
        yield stack


def members(room):
    """All processes of a room: those with its mark, and all below them."""
    marked = [process for process in psutil.process_iter() if is_marked(process, room)]
    return list({member.pid: member for process in marked for member in family(process.pid)}.values())


def is_marked(process, room):
    try:
        return process.environ().get("TIDEWIRE_ROOM") == room.key
    except (psutil.Error, OSError):
        return False


def kill(processes):
    for process in processes:
        process.kill()
    still_alive(processes, seconds=5)


@pytest.fixture
def processes_of():
    return members


@pytest.fixture
def engines(running_stack):
    """Engines that run already, for what is not about engines."""
    return {name: running_stack.environment[name] for name in ("DATABASE_URL", "REDIS_URL")}


@pytest.fixture
def foreign_folder(tmp_path):
    """Makes a folder that belongs to somebody who is neither the caller nor the engines' account."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder of somebody else")
    made = []

    def make(path):
        path.mkdir(mode=0o700)
        os.chown(path, 12345, 12345)
        made.append(path)

    yield make
    for path in made:
        shutil.rmtree(path, ignore_errors=True)
