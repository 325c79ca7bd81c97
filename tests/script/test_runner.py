import json
import os
import signal
import socket
import urllib.request

import psutil
import pytest

from script.development.environment import read
from script.development.problems import Problem
from script.development.rooms import Room
from script.development.stack import Stack
from script.development.survivors import still_alive

READY = "Tidewire is ready at "


def test_it_prepares_starts_and_says_where_it_is(run):
    runner = run()
    url = runner.wait_line(READY).removeprefix(READY)
    assert urllib.request.urlopen(url + "/readyz", timeout=5).status == 200
    for line in ("migrate  | migrated", "demo     | seeded", "worker   | children"):
        runner.wait_line(line)
    runner.wait_line("alice, bob, carol")


def test_told_to_stop_it_leaves_no_process(run, tmp_path, processes_of):
    runner = run()
    runner.wait_line(READY)
    before = processes_of(Room.of_checkout(tmp_path))
    assert len(before) > 7
    assert runner.end(signal.SIGTERM) == 0
    assert still_alive(before, seconds=0) == []
    assert processes_of(Room.of_checkout(tmp_path)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_stop_it_too(run, tmp_path, processes_of, engines, number):
    runner = run(**engines)
    runner.wait_line(READY)
    assert runner.end(number) == 0
    assert processes_of(Room.of_checkout(tmp_path)) == []


def test_told_to_stop_while_starting_it_leaves_no_process(run, tmp_path, processes_of):
    runner = run()
    runner.wait_line("Starting postgres")
    assert runner.end(signal.SIGTERM) == 0
    assert processes_of(Room.of_checkout(tmp_path)) == []


def test_killed_and_started_again_there_is_one_set_of_processes(run, tmp_path, processes_of):
    port = str(free_port())
    killed = run(PORT=port)
    killed.wait_line(READY)
    killed.end(signal.SIGKILL)
    left = processes_of(Room.of_checkout(tmp_path))
    assert len(left) > 7
    runner = run(PORT=port)
    runner.wait_line("earlier run left behind")
    runner.wait_line(READY)
    assert still_alive(left, seconds=0) == []
    assert runner.end(signal.SIGTERM) == 0
    assert processes_of(Room.of_checkout(tmp_path)) == []


def test_a_process_that_has_got_a_recorded_number_by_now_is_left_alone(run, tmp_path, engines):
    bystander = psutil.Popen(["sleep", "60"])
    state = Room.of_checkout(tmp_path).state
    state.mkdir()
    rows = [{"name": "web", "pid": bystander.pid, "create_time": bystander.create_time() - 100}]
    (state / "processes.json").write_text(json.dumps(rows))
    run(**engines).wait_line(READY)
    assert bystander.is_running()
    bystander.kill()
    bystander.wait()


def test_a_second_server_in_the_same_checkout_is_told_of_the_first(run, engines):
    first = run(**engines)
    url = first.wait_line(READY).removeprefix(READY)
    second = run()
    assert second.process.wait(20) == 1
    line = second.wait_line("runs here already")
    assert str(first.process.pid) in line
    assert url in line


def test_a_chosen_port_that_is_taken_is_an_error(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        runner = run(PORT=str(taken.getsockname()[1]))
        assert runner.process.wait(20) == 1
        runner.wait_line("is in use")


def test_two_checkouts_run_at_once_on_ports_of_their_own(run, tmp_path):
    runners = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        runners.append(run(tmp_path / name))
    urls = {runner.wait_line(READY) for runner in runners}
    assert len(urls) == 2


def test_the_file_of_variables_says_what_the_server_uses_and_the_caller_wins(run, tmp_path, engines):
    run(**engines, ALLOWED_HOSTS="localhost,127.0.0.1,tide.example", TIDEWIRE_EXTRA="given").wait_line(READY)
    path = tmp_path / ".tidewire" / "environment"
    variables = read(path)
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert variables["ALLOWED_HOSTS"] == "localhost,127.0.0.1,tide.example"
    assert variables["TIDEWIRE_EXTRA"] == "given"
    assert variables["DEBUG"] == "1"
    assert engines.items() <= variables.items()
    assert variables["TIDEWIRE_SOURCE"].startswith("http://127.0.0.1:")


def test_embedded_engines_are_not_started_for_production(run):
    runner = run(DEBUG="0")
    assert runner.process.wait(20) == 1
    runner.wait_line("DEBUG is off")


def test_every_part_that_is_killed_is_started_again(running_stack):
    for name in ("web", "worker", "beat"):
        killed = running_stack.kill(name)
        assert running_stack.wait_restarted(name, killed) != killed


def test_a_killed_worker_leaves_none_of_its_processes(running_stack):
    process = psutil.Process(running_stack.pid("worker"))
    below = process.children(recursive=True)
    running_stack.wait_restarted("worker", running_stack.kill("worker"))
    assert still_alive(below, seconds=5) == []


def test_a_room_that_is_taken_refuses_another_stack(running_stack, application):
    with pytest.raises(Problem, match=f"pid {os.getpid()}"):
        Stack(running_stack.room, application=application).start()


def test_two_signals_end_everything_at_once(run, tmp_path, processes_of, engines):
    runner = run(**engines)
    runner.wait_line(READY)
    worker = next(p for p in processes_of(Room.of_checkout(tmp_path)) if "worker.py" in " ".join(p.cmdline()))
    worker.suspend()
    runner.process.send_signal(signal.SIGINT)
    runner.wait_line("Stopping")
    assert runner.end(signal.SIGINT) == 0
    assert processes_of(Room.of_checkout(tmp_path)) == []


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
