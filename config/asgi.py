"""The ASGI application: HTTP by Django, the live side by `events`, its readers known through `access`."""

import os

# A web process answers from many threads; a pool keeps its connections few. Workers need none.
os.environ.setdefault("TIDEWIRE_DATABASE_POOL_SIZE", "16")

import django
from channels.routing import ProtocolTypeRouter, URLRouter

from config import environment  # noqa: F401  names the settings module before Django reads it

django.setup(set_prefix=False)

from access.actions import publish_one  # noqa: E402  Django must be set up first
from access.middleware import LiveAuthentication  # noqa: E402
from config.handler import Handler  # noqa: E402
from config.rest import problem_body  # noqa: E402
from events.live.lifespan import lifespan  # noqa: E402
from events.routing import http_urlpatterns, websocket_urlpatterns  # noqa: E402


def _known(app):
    """Put authentication before what serves the live side."""
    return LiveAuthentication(app, problem_body)


application = ProtocolTypeRouter(
    {
        "http": URLRouter(http_urlpatterns(problem_body, _known, Handler())),
        "websocket": _known(URLRouter(websocket_urlpatterns(publish_one))),
        "lifespan": lifespan,
    }
)
