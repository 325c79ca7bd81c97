"""Where sockets and streams go."""

from collections.abc import Callable
from typing import Any

from django.urls import path, re_path

from events.live.outlet import Send
from events.live.sse import LiveStream, Problem
from events.live.websocket import LiveSocket, Publish, Receive


def websocket_urlpatterns(publish: Publish | None = None) -> list:
    """Return the paths of sockets; `publish` is what their clients' events go through."""
    return [path("live/ws", LiveSocket(publish)), re_path("", no_such_socket)]


async def no_such_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Refuse a socket at an address where there is none."""
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"There is no socket at this address.\n"})
    else:
        await send({"type": "websocket.close"})


def http_urlpatterns(problem: Problem, authenticated: Callable[[Any], Any], otherwise: Any) -> list:
    """Return the paths of streams; `otherwise` answers every other request."""
    return [path("live/sse", authenticated(LiveStream(problem))), re_path("", otherwise)]
