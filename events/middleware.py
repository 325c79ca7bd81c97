"""The cursor header: every read of state says from where on to subscribe, so that nothing is missed in between."""

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from events import log

HEADER = "Tidewire-Cursor"


class CursorHeader:
    """Reads the log's head before the view reads its rows, and sends it along.

    What the rows already hold may come once more after that cursor; what they do not hold is never missed.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest):
        return self._async_call(request) if self._is_async else self._with_header(request, self.get_response(request))

    async def _async_call(self, request: HttpRequest) -> HttpResponse:
        return self._with_header(request, await self.get_response(request))

    def process_view(self, request: HttpRequest, view, args, kwargs) -> None:
        """Read the head, for reads of anything that has a topic."""
        if request.method in ("GET", "HEAD") and not request.path.startswith(settings.TIDEWIRE_CURSORLESS_PATHS):
            request.tidewire_cursor = str(log.head().cursor)

    def _with_header(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if cursor := getattr(request, "tidewire_cursor", None):
            response[HEADER] = cursor
        return response
