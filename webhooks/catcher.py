"""A small receiver for one's own machine: catches webhooks, keeps what came, and answers as it is told."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY_BYTES = 1_048_576
# A sender that stops halfway must not hold a thread for ever.
PATIENCE_SECONDS = 30
# They belong to a connection, so an answer that comes from elsewhere may not set them.
OWN_HEADERS = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}


@dataclass(frozen=True)
class Caught:
    """One request, as it came."""

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header by its name in any spelling, or an empty text."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Catcher:
    """Listens from its creation on, in threads of its own, until it is closed."""

    def __init__(
        self,
        answer: Callable[[Caught], Answer],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._server = _Server((host, port), _Handler)
        self._server.answer, self._server.max_body_bytes = answer, max_body_bytes
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    def close(self) -> None:
        """Listen no more; answers that are under way are let go."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    answer: Callable[[Caught], Answer]
    max_body_bytes: int

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that break; what an answer raises is its own to catch."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def handle_any(self) -> None:
        length = self.headers.get("content-length", "0" if self.command in ("GET", "HEAD") else "")
        if not (length.isascii() and length.isdigit()) or "transfer-encoding" in self.headers:
            return self._refuse(Answer(411, body=b"A Content-Length is needed.\n"))
        if len(length) > 18 or int(length) > self.server.max_body_bytes:
            return self._refuse(Answer(413, body=f"More than {self.server.max_body_bytes} bytes.\n".encode()))
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        self._send(self.server.answer(Caught(time.time(), self.command, self.path, dict(self.headers.items()), body)))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def _refuse(self, answer: Answer) -> None:
        # What was not read must not be taken for the next request.
        self.close_connection = True
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        has_body = answer.status >= 200 and answer.status not in (204, 304)
        if has_body:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Say nothing: who listens shows what came."""
