"""Where sockets and streams go."""

from collections.abc import Callable
from typing import Any

from django.urls import path, re_path

from events.live.sse import LiveStream, Problem
from events.live.websocket import LiveSocket, Publish


def websocket_urlpatterns(publish: Publish | None = None) -> list:
    """Return the paths of sockets; `publish` is what their clients' events go through."""
    return [path("live/ws", LiveSocket(publish))]


def http_urlpatterns(problem: Problem, authenticated: Callable[[Any], Any], otherwise: Any) -> list:
    """Return the paths of streams; `otherwise` answers every other request."""
    return [path("live/sse", authenticated(LiveStream(problem))), re_path("", otherwise)]
