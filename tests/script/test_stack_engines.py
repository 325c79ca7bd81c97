import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import redis

from script.development.application import Application
from script.development.engines import Postgres
from script.development.problems import Problem
from script.development.rooms import Room

NOTHING = Application(lambda place: [], lambda place: [], lambda place: [], ready_path="")


@pytest.fixture
def engines_only(make_stack):
    def make(room=None, **arguments):
        return make_stack(room, application=NOTHING, **arguments)

    return make


def query(stack, text):
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        return connection.execute(text).fetchone()


def execute(stack, text):
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        connection.execute(text)


def await_answer(stack, name):
    """Wait until an engine that was started again answers, as the processes that use it do."""
    engine = next(engine for engine in stack._engines if engine.name == name)
    for _ in range(200):
        if not engine.trouble():
            return
        stack._stopping.wait(0.05)
    raise AssertionError(engine.trouble())


def test_postgres_is_a_plain_users_utf8_database_without_a_network(running_stack):
    encoding = "select current_user, current_database(), getdatabaseencoding()"
    assert query(running_stack, encoding) == ("tidewire", "tidewire", "UTF8")
    rights = "select rolsuper, rolcreatedb from pg_roles where rolname = current_user"
    assert query(running_stack, rights) == (False, True)
    assert query(running_stack, "show listen_addresses") == ("",)


def test_valkey_answers_on_its_socket_and_keeps_nothing_on_disk(running_stack):
    with redis.Redis.from_url(running_stack.environment["REDIS_URL"]) as client:
        assert client.ping()
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_engines_that_are_killed_come_back_with_their_data(running_stack):
    execute(running_stack, "create table kept as select 42 as number")
    for name in ("postgres", "valkey"):
        killed = running_stack.kill(name, signal.SIGKILL)
        running_stack.wait_restarted(name, killed)
        await_answer(running_stack, name)
    assert query(running_stack, "select number from kept") == (42,)


def test_data_is_kept_from_one_start_to_the_next(engines_only):
    with engines_only(throwaway=False) as stack:
        execute(stack, "create table kept as select 7 as number")
    with engines_only(throwaway=False) as stack:
        assert query(stack, "select number from kept") == (7,)


def test_a_long_path_with_spaces_and_signs_works(engines_only, tmp_path):
    room = tmp_path / "a path, with 'signs' & spaces %20 é" / ("long" * 30)
    with engines_only(room) as stack:
        assert query(stack, "select 1") == (1,)


def test_a_lock_that_names_another_process_does_not_keep_postgres_from_starting(engines_only):
    with engines_only(throwaway=False) as stack:
        postgres = Postgres(stack.room)
    stack.room.make()
    for lock in (postgres.data / "postmaster.pid", stack.room.sockets / ".s.PGSQL.5432.lock"):
        lock.write_text(f"{os.getpid()}\n{postgres.data}\n1700000000\n5432\n{stack.room.sockets}\n\n  1 1\n")
        if stack.room.account:
            os.chown(lock, stack.room.account.uid, stack.room.account.gid)
    (stack.room.sockets / "valkey.sock").touch()
    with engines_only(throwaway=False) as again:
        assert query(again, "select 1") == (1,)


def test_data_that_was_only_half_made_is_made_anew(engines_only, tmp_path):
    room = Room(tmp_path / "room")
    room.make()
    data = Postgres(room).data
    for folder in (data, data.with_name(data.name + ".unfinished")):
        folder.mkdir()
        (folder / "PG_VERSION").write_text("18\n")
    with engines_only() as stack:
        assert query(stack, "select 1") == (1,)


def test_two_rooms_run_at_once_on_data_of_their_own(running_stack, engines_only):
    with engines_only() as other:
        assert query(other, "select system_identifier from pg_control_system()") != query(
            running_stack, "select system_identifier from pg_control_system()"
        )


def test_engines_of_somebody_else_are_used_and_none_is_started(running_stack, engines_only):
    given = {name: running_stack.environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
    with engines_only(environment=given) as stack:
        assert stack.pid("postgres") is None
        assert stack.pid("valkey") is None
        assert given.items() <= stack.environment.items()


def test_an_engine_of_somebody_else_that_does_not_answer_is_named_without_its_password(engines_only, monkeypatch):
    monkeypatch.setattr("script.development.startup.OTHERS_ENGINE_SECONDS", 0.2)
    stack = engines_only(environment={"DATABASE_URL": "postgresql://ann:hidden@127.0.0.1:1/db"})
    stack.start()
    with pytest.raises(Problem, match="DATABASE_URL") as raised:
        stack.wait_ready()
    assert "hidden" not in str(raised.value)


def test_a_throwaway_leaves_neither_data_nor_sockets(engines_only):
    with engines_only() as stack:
        data = Postgres(stack.room).data
    assert not data.exists()
    assert not stack.room.sockets.exists()


def test_sockets_are_private(running_stack):
    for name in (".s.PGSQL.5432", "valkey.sock"):
        assert stat.S_IMODE((running_stack.room.sockets / name).stat().st_mode) == 0o700


def test_the_url_names_the_socket_folder_for_any_client(running_stack):
    sockets = quote(str(running_stack.room.sockets), safe="")
    assert running_stack.environment["DATABASE_URL"] == f"postgresql://tidewire@/tidewire?host={sockets}&port=5432"
    assert running_stack.environment["REDIS_URL"].startswith("unix:///")


def test_an_ordinary_user_runs_the_engines_with_data_in_the_state_folder(pytestconfig):
    if os.geteuid() != 0:
        pytest.skip("already an ordinary user: the other tests show it")
    program = Path(__file__).parent / "programs" / "ordinary.py"
    command = [sys.executable, str(program), str(pytestconfig.rootpath)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.stdout.startswith("skip: "):
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "an answer to tidewire" in done.stdout
    assert "postgres-" in done.stdout
