"""The REST conventions: one error shape (RFC 9457), opaque pages, limits. They reach views by DRF's settings."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.fields import get_error_detail
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle, UserRateThrottle

PROBLEM_TYPE = "application/problem+json"

# The wire's codes; DRF has its own names for some.
CODES = {
    400: "invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    412: "precondition_failed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "unprocessable",
    429: "rate_limited",
    500: "internal",
    503: "unavailable",
}


class TooLarge(exceptions.APIException):
    """The body is larger than this server takes into memory."""

    status_code = 413
    default_detail = "The body is too large."


class BoundedJSONParser(JSONParser):
    """Reads JSON; what is nested too deeply to be read is the caller's error."""

    def parse(self, stream, media_type=None, parser_context=None):
        """Read the body, whose size Django bounds."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError("JSON parse error - nested too deeply.") from None


def problem_body(status: int, detail: str, errors: list[dict] | None = None) -> dict[str, Any]:
    """Return the one error shape: type, title, status, detail, code and, for invalid input, its errors by field."""
    code = CODES.get(status, "error")
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return body | ({"errors": errors} if errors else {"errors": []})


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a problem document; what it does not know is left to Django (500)."""
    known = _as_api_exception(error)
    if known is None:
        return None
    response = Response(_body_of(known), status=known.status_code, content_type=PROBLEM_TYPE)
    if challenge := getattr(known, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if (wait := getattr(known, "wait", None)) is not None:
        response["Retry-After"] = str(max(1, int(wait)))
    return response


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, Http404):
        return exceptions.NotFound(*error.args)
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied(*error.args)
    if isinstance(error, RequestDataTooBig):
        return TooLarge()
    if isinstance(error, DjangoValidationError):
        return exceptions.ValidationError(get_error_detail(error))
    return error if isinstance(error, exceptions.APIException) else None


def _body_of(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return problem_body(error.status_code, "The request is not valid.", list(_field_errors(error.detail)))
    return problem_body(error.status_code, str(error.detail))


def _field_errors(detail: Any, field: str = ""):
    """Walk DRF's nested details and yield one flat entry per message, the field's path dotted."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            name = "" if name in ("non_field_errors", NON_FIELD_ERRORS) else _printable(name)
            yield from _field_errors(inner, ".".join(part for part in (field, name) if part))
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list))
            yield from _field_errors(inner, f"{field}.{position}".lstrip(".") if nested else field)
    else:
        yield {"field": field, "code": getattr(detail, "code", "invalid"), "message": _printable(detail)}


def _printable(text: object) -> str:
    # Half a surrogate pair, sent as \ud800, comes back in errors; no response could be encoded with it.
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def problem_response(request: HttpRequest, status: int, detail: str) -> JsonResponse:
    """Return the error shape where no DRF view was reached."""
    return JsonResponse(problem_body(status, detail), status=status, content_type=PROBLEM_TYPE)


NOT_A_PAGE = "This is not a page of this list."


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


class OpaquePages(CursorPagination):
    """Pages by an opaque `page` parameter: stable while rows come and go, and as quick at the end as at the start."""

    cursor_query_param = "page"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-id"

    def decode_cursor(self, request):
        try:
            cursor = super().decode_cursor(request)
        except exceptions.NotFound:
            raise exceptions.ValidationError({"page": NOT_A_PAGE}) from None
        if cursor is not None and cursor.position is not None and not _is_number(cursor.position):
            raise exceptions.ValidationError({"page": NOT_A_PAGE})
        return cursor

    def get_page_size(self, request):
        """Return the page size asked for; one out of bounds is an error, not a silent default."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not _is_number(asked) or not 1 <= int(asked) <= self.max_page_size:
            raise exceptions.ValidationError({"page_size": f"Give a number from 1 to {self.max_page_size}."})
        return int(asked)


class _FailsOpen:
    """A limit whose counter lives in the cache: without the cache, requests pass."""

    def allow_request(self, request, view):
        try:
            return super().allow_request(request, view)
        except Exception:  # noqa: BLE001  any trouble of the cache's backend
            return True


class AnonymousThrottle(_FailsOpen, AnonRateThrottle):
    """The limit of one address without credentials."""


class UserThrottle(_FailsOpen, UserRateThrottle):
    """The limit of one user."""
