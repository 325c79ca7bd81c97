"""Errors that Django answers with nothing, or while one develops with a page for developers, in the project's words."""

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from config import pages


@sync_and_async_middleware
def in_own_words(get_response):
    """Give pages that are not there, and addresses that only take forms, an answer with a way on."""

    async def walk_async(request: HttpRequest) -> HttpResponse:
        return _worded(request, await get_response(request))

    def walk(request: HttpRequest) -> HttpResponse:
        return _worded(request, get_response(request))

    middleware = walk_async if iscoroutinefunction(get_response) else walk
    middleware.process_exception = _missing  # type: ignore[attr-defined]
    return middleware


def _missing(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """Answer what a view misses as elsewhere: who tries the demo is no developer of it."""
    return pages.not_found(request, exception) if settings.DEBUG and isinstance(exception, Http404) else None


def _worded(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if request.path.startswith(settings.TIDEWIRE_PAGES_EXCEPT_PATHS):
        return response
    if response.status_code == 405:
        return _with_allowed(pages.not_served(request), response)
    is_no_address = response.status_code == 404 and request.resolver_match is None
    return pages.not_found(request, Http404()) if settings.DEBUG and is_no_address else response


def _with_allowed(answer: HttpResponse, response: HttpResponse) -> HttpResponse:
    answer["Allow"] = response["Allow"]
    return answer
