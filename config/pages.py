"""What belongs to no app: health, and the answers to requests that reached none."""

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from config.rest import problem_response


async def alive(request: HttpRequest) -> HttpResponse:
    """Say that the process lives; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready(request: HttpRequest) -> JsonResponse:
    """Say whether the database and the broker answer: 200, or 503 naming what does not."""
    parts = {"database": _answers(_ask_database), "broker": _answers(_ask_broker)}
    return JsonResponse(parts, status=200 if all(value == "ok" for value in parts.values()) else 503)


def _answers(ask) -> str:
    try:
        ask()
    except Exception as error:  # noqa: BLE001  whatever it is, it is the answer
        return type(error).__name__
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM events_loghead")


def _ask_broker() -> None:
    cache.get("readyz")


def _answer(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(request, status, detail)
    return render(request, "error.html", {"status": status, "title": title, "detail": detail}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 400, "That request made no sense", "The request could not be understood.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "Not yours to see", "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, "Nothing here", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500, "That went wrong", "The server failed on this request. Nothing was half-done.")
