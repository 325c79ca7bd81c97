"""What belongs to no app: health, and the answers to requests that reached none."""

from django.core.cache import cache
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from access.pages.posts import page_before
from config.rest import problem_response
from events import log
from events.live.lifespan import is_draining

# An event that waits longer in the outbox has nobody who relays it.
LAG_MAX_SECONDS = 30


class Lagging(Exception):
    """Events are recorded and do not reach the log."""


class Draining(Exception):
    """This process is about to end: nobody new should be sent to it."""


async def alive(request: HttpRequest) -> HttpResponse:
    """Say that the process lives; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready(request: HttpRequest) -> JsonResponse:
    """Say whether the process stays, database and broker answer and the log keeps up: 200, or 503 naming what not."""
    questions = {"process": _ask_process, "database": _ask_database, "broker": _ask_broker, "log": _ask_log}
    parts = {name: _answers(ask) for name, ask in questions.items()}
    return JsonResponse(parts, status=200 if all(value == "ok" for value in parts.values()) else 503)


def _answers(ask) -> str:
    try:
        ask()
    except Exception as error:  # noqa: BLE001  whatever it is, it is the answer
        return type(error).__name__
    return "ok"


def _ask_process() -> None:
    if is_draining():
        raise Draining


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM events_loghead")


def _ask_broker() -> None:
    cache.get("readyz")


def _ask_log() -> None:
    if log.oldest_waiting_seconds() > LAG_MAX_SECONDS:
        raise Lagging


def _answer(request: HttpRequest, status: int, title: str, detail: str, again: str = "") -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(request, status, detail)
    # After a failure nothing is asked again, neither session nor database: they may be what failed.
    context = {"status": status, "title": title, "detail": detail, "again": again}
    return render(None if status == 500 else request, "error.html", context, status=status)


def no_such_api(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer in the API's own shape, in development too, where Django would show its page of all paths."""
    return problem_response(request, 404, "There is nothing at this address.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _answer(request, 413, _("That was too much"), _("The body is too large."))
    return _answer(request, 400, _("That request made no sense"), _("The request could not be understood."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    # What the project itself refuses says why; other reasons are Django's own, and for its log.
    reason = str(exception) if type(exception) is PermissionDenied else ""
    return _answer(request, 403, _("Not yours to see"), reason or _("You may not do this."))


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is not this browser's: mostly one that was open while somebody signed in or out."""
    detail = _("This form is from before you signed in or out. Go back, reload the page and send it again.")
    return _answer(request, 403, _("That form is too old"), detail, page_before(request))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    detail = _("There is nothing at this address. It may have been deleted, or you may no longer read it.")
    return _answer(request, 404, _("Nothing here"), detail)


def not_served(request: HttpRequest) -> HttpResponse:
    """Answer who asks for the address of a form, which nobody can read."""
    detail = _("This address only takes what a form sends. Go back to the page that the form is on.")
    return _answer(request, 405, _("Nothing to see here"), detail, page_before(request))


def server_error(request: HttpRequest) -> HttpResponse:
    detail = _("The server failed on this request. Nothing was half-done.")
    return _answer(request, 500, _("That went wrong"), detail)
