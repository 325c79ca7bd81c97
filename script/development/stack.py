"""A complete Tidewire: engines, web, residents, worker and beat, started in order, kept alive, stopped in order."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from script.development import environment as variables
from script.development.application import DJANGO, Application, Place
from script.development.engines import Engine, Postgres, Valkey
from script.development.locks import Lock
from script.development.output import Journal, Report
from script.development.ports import FIRST, Port
from script.development.problems import Problem, Stopped
from script.development.rooms import CHECKOUT, Room
from script.development.startup import Startup
from script.development.supervisor import Supervisor
from script.development.survivors import Record


def silent(name: str, line: str) -> None:
    """Show nothing; the lines are in the room's logs."""


class Stack:
    """Everything of one room; runs in threads of its own, so that a test can hold several.

    `environment` holds settings that win over those for development; DATABASE_URL or REDIS_URL in it mean
    that this engine is somebody else's, so none is started. With `throwaway` the data is quick to make and
    is removed at the end.
    """

    def __init__(
        self,
        room: Room | Path,
        *,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
        application: Application = DJANGO,
        checkout: Path = CHECKOUT,
        report: Report = silent,
        throwaway: bool = False,
    ) -> None:
        self.room = room if isinstance(room, Room) else Room(room)
        self.port = port or FIRST
        self.environment: dict[str, str] = {}
        self.failure: Problem | None = None
        self._wanted_port = port
        self._chosen = {name: value for name, value in (environment or {}).items() if value or name == "DEBUG"}
        self._application = application
        self._checkout = checkout
        self._report = report
        self._throwaway = throwaway
        self._engines = self._own_engines()
        self._settled = threading.Event()
        self._stopping = threading.Event()
        self._stop_once = threading.Lock()
        self._held: list[Callable[[], None]] = []

    @property
    def url(self) -> str:
        """Where the web process answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, settled: Callable[[], None] = lambda: None) -> None:
        """Take the room and begin to start everything; `settled` is called when it is ready or has failed."""
        self.room.make()
        lock = Lock(self.room.state / "lock")
        self._held.append(lock.release)
        try:
            self._take_over(lock)
        except BaseException:
            self._release()
            raise
        self._starter = threading.Thread(target=self._bring_up, args=(settled,), name="starter", daemon=True)
        self._starter.start()

    def wait_ready(self, timeout: float = 90.0) -> None:
        """Return when everything answers; raise what went wrong otherwise."""
        settled = self._settled.wait(timeout)
        if self.failure:
            raise self.failure
        if not settled or self._stopping.is_set():
            lines = self._journal.last(*self._supervisor.names())
            raise Problem(f"The stack was not ready in {timeout:g} s. Last lines:\n{lines}")

    def pid(self, name: str) -> int | None:
        """The number of a part's first process; None while it is not running."""
        return self._supervisor.pid(name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to a part's first process, and give the number of the process that got it."""
        pid = self.pid(name)
        if pid is None:
            raise Problem(f"{name} is not running. Its last lines:\n{self._journal.last(name)}")
        os.kill(pid, number)
        return pid

    def wait_restarted(self, name: str, killed: int, timeout: float = 30.0) -> int:
        """The number of the process that took the killed one's place."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            pid = self.pid(name)
            if pid is not None and pid != killed:
                return pid
            time.sleep(0.02)
        lines = self._journal.last(name)
        raise Problem(f"{name} was not started again in {timeout:g} s. Its last lines:\n{lines}")

    def log(self, name: str) -> str:
        """All that a part has written since the start."""
        path = self.room.logs / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """Stop all parts, engines last, and leave no process."""
        with self._stop_once:
            if not self._held:
                return
            self._stopping.set()
            self._supervisor.forget()
            self._starter.join(timeout=30)
            engines = [engine.name for engine in self._engines]
            self._supervisor.stop([name for name in self._supervisor.names() if name not in engines])
            self._supervisor.stop(engines)
            self._record.end_survivors(self._say)
            self._release()

    def kill_all(self) -> None:
        """End every process at once; whoever is in `stop` gets on by it."""
        self._stopping.set()
        self._supervisor.forget()
        self._supervisor.stop(self._supervisor.names(), kill=True)

    def __enter__(self) -> Self:
        """Start, and wait until it is ready."""
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self.stop()

    def _own_engines(self) -> list[Engine]:
        engines: list[Engine] = []
        if "REDIS_URL" not in self._chosen:
            engines.append(Valkey(self.room))
        if "DATABASE_URL" not in self._chosen:
            engines.append(Postgres(self.room, self._throwaway))
        return engines

    def _take_over(self, lock: Lock) -> None:
        self._journal = Journal(self.room.logs)
        self._held.append(self._journal.close)
        self._record = Record(self.room.state / "processes.json", self.room.key)
        self._record.end_survivors(self._say)
        self._held.append(self.room.remove_engines if self._throwaway else self.room.remove_sockets)
        self._supervisor = Supervisor(self._journal, self._report, self._record.write)
        if self._application.ready_path:
            port = Port.take(self._wanted_port)
            self._held.append(port.release)
            self.port = port.number
            lock.tell(self.url)
        self._settle_environment()

    def _settle_environment(self) -> None:
        urls = {engine.name: engine.url for engine in self._engines}
        settings = variables.development(self.room, self.port, urls.get("postgres", ""), urls.get("valkey", ""))
        settings |= variables.chosen(self._chosen)
        variables.write(self.room.state / "environment", settings)
        self.environment = {**variables.others(os.environ), **self._chosen, **settings}

    def _bring_up(self, settled: Callable[[], None]) -> None:
        startup = Startup(self._supervisor, self._journal, self._say, self._stopping)
        marked = {**self.environment, "PYTHONUNBUFFERED": "1", variables.MARK: self.room.key}
        try:
            startup.start_engines(self._engines)
            startup.check_others(self._chosen.get("DATABASE_URL"), self._chosen.get("REDIS_URL"))
            place = Place(self._checkout, self.room.state, self.port, marked)
            startup.start_application(self._application, place)
        except Stopped:
            pass
        except Problem as problem:
            self.failure = problem
        except Exception:  # noqa: BLE001 - nobody else would hear of it
            self.failure = Problem(f"The runner itself failed:\n{traceback.format_exc()}")
        self._settled.set()
        settled()

    def _say(self, line: str) -> None:
        self._report("", line)

    def _release(self) -> None:
        while self._held:
            self._held.pop()()
