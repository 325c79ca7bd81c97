"""What a receiver on one's own machine answers."""

import threading
from collections import OrderedDict
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from webhooks.catcher import OWN_HEADERS, Answer, Caught

# Below the server's own deadline, so that it hears of it in time.
FORWARD_SECONDS = 14
MAX_FORWARDED_BYTES = 65_536
KEPT_IDS = 10_000


class Answers:
    """What each request is answered with: failures first where they were asked for, then what the application says."""

    def __init__(self, *, status: int, fail: int | None, times: int, forward: str | None) -> None:
        self._status, self._fail, self._times, self._forward = status, fail, times, forward
        self._failed: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def to(self, request: Caught) -> Answer:
        """Return the answer to a request."""
        if self._fail is not None and self._fails_again(request.header("webhook-id")):
            return Answer(self._fail)
        return forwarded(request, self._forward) if self._forward else Answer(self._status)

    def _fails_again(self, message_id: str) -> bool:
        with self._lock:
            count = self._failed.get(message_id, 0) + 1
            self._failed[message_id] = count
            if len(self._failed) > KEPT_IDS:
                self._failed.popitem(last=False)
            return count <= self._times


def forwarded(request: Caught, url: str) -> Answer:
    """Pass a request on as it came, and return what it was answered with; without an answer it is 502."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=FORWARD_SECONDS)
    headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN_HEADERS | {"host"}}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(request.method, target, request.body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read(MAX_FORWARDED_BYTES))
    except (OSError, HTTPException) as error:
        return Answer(502, body=f"{url} gave no answer: {error}\n".encode())
    finally:
        connection.close()
