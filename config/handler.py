"""How a request walks through the middleware: in one thread, and only what waits without one apart from that."""

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from servestatic.middleware import ServeStaticMiddleware


class Handler(ASGIHandler):
    """Answers in one thread from the first middleware to the last, where Django's own hops to one for each of them.

    Fifteen hops cost a page 5 ms, as much as three queries. Paths that `TIDEWIRE_ASYNC_PATHS` begins go Django's way:
    their views wait, and hold no thread while they do.
    """

    def __init__(self) -> None:
        super().__init__()
        self._in_one_thread = BaseHandler()
        self._in_one_thread.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        if request.path_info.startswith(settings.TIDEWIRE_ASYNC_PATHS):
            return await super().get_response_async(request)
        return await sync_to_async(self._in_one_thread.get_response, thread_sensitive=True)(request)


@sync_and_async_middleware
def static_files(get_response):
    """Serve static files, which needs no thread, on the way that takes none; on the other there are none asked for."""
    return ServeStaticMiddleware(get_response) if iscoroutinefunction(get_response) else get_response
