"""Starts what a stack consists of, in order, each when what it needs answers."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from http.client import HTTPConnection, HTTPException

from script.development.application import Application, Place
from script.development.engines import Engine, postgres_trouble, redis_trouble, without_password
from script.development.output import Journal
from script.development.problems import Problem, Stopped
from script.development.supervisor import Supervisor

ENGINE_SECONDS = 60.0
OTHERS_ENGINE_SECONDS = 10.0
WEB_SECONDS = 60.0


class Startup:
    """One start of a stack, given up as soon as `stopping` is set."""

    def __init__(
        self,
        supervisor: Supervisor,
        journal: Journal,
        say: Callable[[str], None],
        stopping: threading.Event,
    ) -> None:
        self._supervisor = supervisor
        self._journal = journal
        self._say = say
        self._stopping = stopping

    def start_engines(self, engines: Sequence[Engine]) -> None:
        """Start these engines and return when all of them answer."""
        for engine in engines:
            self._say(f"Starting {engine.name} …")
            engine.prepare()
            self._supervisor.keep(engine.part())
        for engine in engines:
            self._wait(engine.trouble, engine.name, ENGINE_SECONDS)

    def check_others(self, database_url: str | None, redis_url: str | None) -> None:
        """Return when the engines that somebody else runs answer."""
        if database_url:
            shown = f"DATABASE_URL ({without_password(database_url)})"
            self._wait(partial(postgres_trouble, database_url), shown, OTHERS_ENGINE_SECONDS)
        if redis_url:
            shown = f"REDIS_URL ({without_password(redis_url)})"
            self._wait(partial(redis_trouble, redis_url), shown, OTHERS_ENGINE_SECONDS)

    def start_application(self, application: Application, place: Place) -> None:
        """Prepare the application, start it, and return when it answers."""
        for part in application.before(place):
            self._say(f"Running {part.name} …")
            self._supervisor.run(part)
        for part in application.kept(place):
            self._say(f"Starting {part.name} …")
            self._supervisor.keep(part)
        for part in application.beside(place):
            self._supervisor.run(part)
        if application.ready_path:
            self._wait(partial(web_trouble, place.port, application.ready_path), "web", WEB_SECONDS)

    def _wait(self, trouble: Callable[[], str], what: str, seconds: float) -> None:
        began = said = time.monotonic()
        while problem := trouble():
            if self._stopping.wait(0.05):
                raise Stopped
            now = time.monotonic()
            if now - began > seconds:
                lines = self._journal.last(*self._supervisor.names())
                raise Problem(
                    f"{what} was not ready in {seconds:g} s: {problem}\nLast lines:\n{lines}\n"
                    "Mend what they say, then start again."
                )
            if now - said > 5:
                self._say(f"Still waiting for {what} …")
                said = now


def web_trouble(port: int, path: str) -> str:
    """Why the web process does not answer with 200; empty when it does."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(500).decode(errors="replace")
        return "" if answer.status == 200 else f"{path}: {answer.status} {text}"
    except (OSError, HTTPException) as error:
        return str(error)
    finally:
        connection.close()
