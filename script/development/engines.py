"""PostgreSQL and Valkey of a room: their data, their command lines, whether they answer."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Protocol
from urllib.parse import quote, urlsplit

import psutil
import psycopg
import redis

from script.development.binaries import postgres_binaries, postgres_version, valkey_binary
from script.development.children import Part, family, kill_all
from script.development.environment import MARK
from script.development.problems import Problem
from script.development.rooms import Room

# What engines say in the ordinary course of starting and stopping.
QUIET_POSTGRES = re.compile(r"^LOG:|^FATAL:  the database system is |^DETAIL:  Consistent recovery state")
QUIET_VALKEY = re.compile("overcommit_memory|Received SIG|ready to exit")


class Engine(Protocol):
    """A server that Tidewire's processes need."""

    name: str
    url: str

    def prepare(self) -> None:
        """Make whatever it needs before its first start."""

    def part(self) -> Part:
        """What to run."""

    def trouble(self) -> str:
        """Why it does not answer; empty when it does."""


class Postgres:
    """The room's PostgreSQL, reached only through a socket in its private folder."""

    name = "postgres"

    def __init__(self, room: Room, throwaway: bool = False) -> None:
        self._room = room
        self._throwaway = throwaway
        self.url = f"postgresql://tidewire@/tidewire?host={quote(str(room.sockets), safe='')}&port=5432"

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self._room.data / f"postgres-{postgres_version().split('.')[0]}"

    def prepare(self) -> None:
        """Make the cluster with its role and database, if there is no complete one."""
        if (self.data / "tidewire-complete").exists():
            return
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        for folder in (unfinished, self.data):
            shutil.rmtree(folder, ignore_errors=True)
        binaries = postgres_binaries(self._room.account)
        options = ["-U", "postgres", "--locale=C", "--encoding=UTF8", "--auth=trust", "--no-instructions"]
        options += ["--no-sync", "--wal-segsize=1"] if self._throwaway else []
        self._run([binaries / "initdb", "-D", unfinished, *options])
        # Not a superuser, so that what works here works on a well-kept server.
        roles = "CREATE ROLE tidewire LOGIN CREATEDB\nCREATE DATABASE tidewire OWNER tidewire\n"
        self._run([binaries / "postgres", "--single", "-D", unfinished, "postgres"], roles)
        (unfinished / "tidewire-complete").touch()
        unfinished.rename(self.data)

    def part(self) -> Part:
        """Run it in the foreground, to be stopped by a fast shutdown."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self._room.sockets}"',
            "unix_socket_permissions": "0700",
            "port": "5432",
            "max_connections": "200",
            "log_checkpoints": "off",
            "log_line_prefix": "",
        }
        if self._throwaway:
            settings |= {"fsync": "off", "full_page_writes": "off", "max_wal_size": "1GB"}
        command = [str(postgres_binaries(self._room.account) / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return Part(
            name=self.name,
            command=command,
            environment=engine_environment(self._room),
            stop_signal=SIGINT,
            account=self._room.account,
            before_start=self.clear_stale_locks,
            shows=lambda line: not QUIET_POSTGRES.search(line),
        )

    def clear_stale_locks(self) -> None:
        """Let PostgreSQL start where an old lock names a number that another process has by now."""
        for lock in (self.data / "postmaster.pid", self._room.sockets / ".s.PGSQL.5432.lock"):
            with suppress(FileNotFoundError, ValueError, IndexError):
                pid = abs(int(lock.read_text().splitlines()[0]))
                if self._is_ours(pid):
                    kill_all(family(pid))
                elif psutil.pid_exists(pid):
                    lock.unlink()

    def _is_ours(self, pid: int) -> bool:
        try:
            return str(self.data) in psutil.Process(pid).cmdline()
        except psutil.Error:
            return False

    def trouble(self) -> str:
        """Why a query is not answered; empty when it is."""
        return postgres_trouble(self.url)

    def _run(self, command: list[str | Path], text: str = "") -> None:
        done = subprocess.run(
            command,
            input=text,
            cwd="/",
            env=engine_environment(self._room),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            check=False,
            **(self._room.account.as_arguments() if self._room.account else {}),
        )
        if done.returncode != 0:
            raise Problem(
                f"PostgreSQL's data could not be made in {self.data}:\n{done.stdout[-2000:]}\n"
                "Mend what it says (disk space, rights), then start again."
            )


class Valkey:
    """The room's Valkey, reached only through a socket in its private folder; nothing is kept."""

    name = "valkey"

    def __init__(self, room: Room) -> None:
        self._room = room
        self._socket = room.sockets / "valkey.sock"
        self.url = f"unix://{quote(str(self._socket))}?db=0"

    def prepare(self) -> None:
        """Nothing is needed before the start."""

    def part(self) -> Part:
        """Run it in the foreground, in memory only."""
        options = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"]
        options += ["--dir", str(self._room.sockets), "--save", "", "--appendonly", "no"]
        options += ["--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--loglevel", "warning"]
        # A title of its own would overwrite the environment, and with it the mark of the room.
        options += ["--set-proc-title", "no"]
        return Part(
            name=self.name,
            command=[str(valkey_binary(self._room.account)), *options],
            environment=engine_environment(self._room),
            stop_signal=SIGTERM,
            account=self._room.account,
            shows=lambda line: not QUIET_VALKEY.search(line),
        )

    def trouble(self) -> str:
        """Why a ping is not answered; empty when it is."""
        return redis_trouble(self.url)


def engine_environment(room: Room) -> Mapping[str, str]:
    """A small environment, so that the caller's PG… variables and locale change nothing."""
    return {"PATH": os.defpath, "LC_ALL": "C", MARK: room.key}


def postgres_trouble(url: str) -> str:
    """Why PostgreSQL does not answer a query; empty when it does."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            connection.execute("select 1")
    except psycopg.Error as error:
        return without_secrets(str(error), url)
    return ""


def redis_trouble(url: str) -> str:
    """Why Valkey or Redis does not answer a ping; empty when it does."""
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
        with client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return without_secrets(str(error), url)
    return ""


def without_secrets(message: str, url: str) -> str:
    """A message that may quote a URL, without that URL's password."""
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    hidden = message.replace(url, without_password(url))
    return (hidden.replace(password, "…") if password else hidden).strip()


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    return re.sub(r"(://[^/@]*?:)[^@]*@", r"\1…@", re.sub(r"([?&]password=)[^&]*", r"\1…", url))
