import os
import signal
import sys
import threading

import psutil
import pytest

from script.development.children import Child, Part
from script.development.output import Journal
from script.development.problems import Problem, Stopped
from script.development.supervisor import Backoff, Supervisor
from script.development.survivors import still_alive


def python(name, code, **arguments):
    return Part(name, [sys.executable, "-c", code], {}, **arguments)


class Lines:
    """Lines as they are reported, so that a test can await one."""

    def __init__(self):
        self.all = []
        self._news = threading.Condition()

    def __call__(self, name, line):
        with self._news:
            self.all.append((name, line))
            self._news.notify_all()

    def wait_for(self, text, count=1):
        with self._news:
            found = self._news.wait_for(lambda: sum(text in line for _, line in self.all) >= count, 10)
        assert found, self.all


@pytest.fixture
def lines():
    return Lines()


@pytest.fixture
def supervisor(tmp_path, lines):
    supervisor = Supervisor(Journal(tmp_path), lines, lambda children: None)
    yield supervisor
    supervisor.forget()
    supervisor.stop(supervisor.names(), kill=True)


def test_pauses_grow_to_five_seconds_and_are_forgotten_after_a_good_while():
    backoff = Backoff()
    assert [backoff.after(0) for _ in range(9)] == [0, 0, 0, 0.5, 1, 2, 4, 5, 5]
    assert backoff.after(31) == 0


def test_what_dies_is_started_again_with_a_word_on_why(supervisor, lines):
    supervisor.keep(python("part", "print('up'); raise SystemExit(3)"))
    lines.wait_for("ended with status 3; starting it again now")
    lines.wait_for("up", count=2)


def test_what_cannot_be_started_is_tried_again(supervisor, lines):
    supervisor.keep(Part("part", ["/nowhere/program"], {}))
    lines.wait_for("could not start", count=4)


def test_the_end_of_a_part_ends_the_processes_below_it(supervisor, lines):
    code = "import os, signal\nif os.fork(): print('child', flush=True)\nsignal.pause()"
    supervisor.keep(python("part", code))
    lines.wait_for("child")
    below = psutil.Process(supervisor.pid("part")).children()
    psutil.Process(supervisor.pid("part")).kill()
    assert still_alive(below, seconds=5) == []


def test_what_does_not_heed_the_signal_is_killed_after_its_grace(supervisor, lines):
    code = "import signal\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf', flush=True)\nwhile 1: signal.pause()"
    supervisor.keep(python("part", code, grace_seconds=0.1))
    lines.wait_for("deaf")
    process = psutil.Process(supervisor.pid("part"))
    supervisor.stop(["part"])
    assert not process.is_running()


def test_nothing_is_started_once_all_is_being_stopped(supervisor):
    supervisor.forget()
    with pytest.raises(Stopped):
        supervisor.keep(python("part", "pass"))


def test_a_step_that_fails_shows_its_last_lines(supervisor):
    with pytest.raises(Problem, match="no such table"):
        supervisor.run(python("migrate", "print('no such table'); raise SystemExit(1)"))


def test_lines_that_are_no_text_are_shown_all_the_same(supervisor, lines):
    supervisor.run(python("part", "import os; os.write(1, b'caf\\xe9\\n')"))
    lines.wait_for("caf\ufffd")


def test_a_child_is_out_of_reach_of_the_terminals_ctrl_c():
    child = Child(python("part", "import signal; signal.pause()"), lambda line: None)
    assert os.getsid(child.pid) == child.pid
    child.kill()
    assert child.wait() == -signal.SIGKILL
