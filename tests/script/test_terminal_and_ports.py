import io
import socket

import pytest

from script.development.output import Journal, Terminal
from script.development.ports import Port
from script.development.problems import Problem


class Tty(io.StringIO):
    def isatty(self):
        return True


def test_lines_stand_behind_the_name_of_their_part():
    stream = io.StringIO()
    Terminal(stream)("web", "up")
    Terminal(stream)("", "Starting web …")
    assert stream.getvalue() == "web      | up\nStarting web …\n"


def test_prefixes_are_coloured_in_a_terminal_unless_no_color_is_set(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Tty(), Tty()
    Terminal(coloured)("web", "up")
    monkeypatch.setenv("NO_COLOR", "1")
    Terminal(plain)("web", "up")
    assert coloured.getvalue() == "\033[36mweb      | \033[0mup\n"
    assert plain.getvalue() == "web      | up\n"


def test_a_terminal_that_was_closed_is_no_error():
    stream = io.StringIO()
    terminal = Terminal(stream)
    stream.close()
    terminal("web", "up")


def test_the_last_lines_are_remembered_and_all_are_kept(tmp_path):
    journal = Journal(tmp_path, remembered=2)
    for line in ("one", "two", "three"):
        journal.add("web", line)
    assert journal.last("web").split() == ["web", "|", "two", "web", "|", "three"]
    journal.close()
    assert (tmp_path / "web.log").read_text() == "one\ntwo\nthree\n"


def test_a_port_is_kept_for_its_runner_before_the_web_process_has_it():
    port = Port.take(None)
    other = Port.take(None)
    try:
        assert other.number != port.number
        with pytest.raises(Problem, match="is in use"):
            Port.take(port.number)
    finally:
        port.release()
        other.release()


def test_a_port_on_which_somebody_listens_is_passed_over():
    port = Port.take(None)
    port.release()
    with socket.create_server(("127.0.0.1", port.number)):
        other = Port.take(None)
        other.release()
    assert other.number != port.number
