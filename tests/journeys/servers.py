"""More web processes on the engines of a running Tidewire: of other servers, with other settings, as many as wanted."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

from script.development.application import Place, web
from script.development.ports import Port
from script.development.rooms import CHECKOUT


def uvicorn(stack, port):
    """Return the command of the server that is used."""
    return web(Place(CHECKOUT, stack.room.state, port, {})).command


def daphne(stack, port):
    """Return the command of the server that Django's own command uses."""
    return [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0", "config.asgi:application"]


class Server:
    """A web process of a test's own."""

    def __init__(self, stack, kind, settings):
        self._port = Port.take(None)
        self.url = f"http://127.0.0.1:{self._port.number}"
        self._command = kind(stack, self._port.number)
        self._environment = {**os.environ, **stack.environment, **settings}
        self._log = open(stack.room.logs / f"{kind.__name__}-{self._port.number}.log", "a")  # noqa: SIM115
        self.start()

    def start(self):
        """Start the process; requests are answered from then on."""
        pipes = {"stdout": self._log, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        self.process = subprocess.Popen(self._command, cwd=CHECKOUT, env=self._environment, **pipes)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None and time.monotonic() < deadline, f"see {self._log.name}"
            time.sleep(0.05)

    def _answers(self):
        try:
            return urllib.request.urlopen(f"{self.url}/healthz", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def kill(self, number=signal.SIGKILL):
        """Send a signal, and after the last one wait for the end."""
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()

    def stop(self):
        """End the process and give the port back."""
        self.kill()
        self._log.close()
        self._port.release()


@contextmanager
def server(stack, kind=uvicorn, **settings):
    """Run one more web process for the length of the block."""
    server = Server(stack, kind, {name: str(value) for name, value in settings.items()})
    try:
        yield server
    finally:
        server.stop()
