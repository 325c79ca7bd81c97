"""What stands before every request: the reader's language, idempotency, and who is who for streams and sockets."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.utils import translation
from django.utils.cache import patch_vary_headers
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.views import APIView

from access import idempotency, keys, origins, sessions
from access.principals import Anonymous, SessionHolder, by_key, by_session, by_ticket

HEADER = "Idempotency-Key"
CLOSE_SIGNED_OUT = 4401
UNKNOWN = "This key or ticket is not valid."


class Conflict(APIException):
    """The request cannot be served as things stand."""

    status_code = status.HTTP_409_CONFLICT


class Unprocessable(APIException):
    """The request is well-formed and contradicts an earlier one."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


class Refusal(APIView):
    """Answers with an error in the project's one shape, from where no view was reached."""

    authentication_classes = permission_classes = throttle_classes = ()
    error: APIException | None = None

    def post(self, request):
        """Raise the error into DRF's hands."""
        raise self.error


class Language:
    """Lets pages speak the language of their reader: the user's own, and before they sign in the browser's."""

    sync_capable = async_capable = True

    def __init__(self, get_response) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest):
        if not request.path.startswith(settings.TIDEWIRE_PAGES_EXCEPT_PATHS):
            return self._async_spoken(request) if self._is_async else self._spoken(request)
        return self.get_response(request)

    def _spoken(self, request: HttpRequest) -> HttpResponse:
        with translation.override(_language(request)):
            return _in_language(self.get_response(request))

    async def _async_spoken(self, request: HttpRequest) -> HttpResponse:
        with translation.override(await sync_to_async(_language)(request)):
            return _in_language(await self.get_response(request))


def _language(request: HttpRequest) -> str:
    # Who brings no session is nobody: the database need not be asked.
    user = request.user if settings.SESSION_COOKIE_NAME in request.COOKIES else None
    return user.language if user and user.is_authenticated else translation.get_language_from_request(request)


def _in_language(response: HttpResponse) -> HttpResponse:
    response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
    patch_vary_headers(response, ["Accept-Language"])
    return response


class Idempotency:
    """Answers a repeated POST of the API with the answer of the first time, for callers who are known."""

    sync_capable = async_capable = True

    def __init__(self, get_response) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            # Most requests carry no key: they must not pay for a thread.
            self.process_view = self._process_view_async

    def __call__(self, request: HttpRequest):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs) -> HttpResponse | None:
        """Take over the view when the request has a key."""
        return self._answer(request, view, _call(view, request, args, kwargs)) if self._concerns(request) else None

    async def _process_view_async(self, request, view, args, kwargs) -> HttpResponse | None:
        if not self._concerns(request):
            return None
        return await sync_to_async(self._answer)(request, view, _call(view, request, args, kwargs))

    def _concerns(self, request: HttpRequest) -> bool:
        return request.method == "POST" and request.path.startswith("/api/") and HEADER in request.headers

    def _answer(self, request: HttpRequest, view, call: Callable[[], HttpResponse]) -> HttpResponse | None:
        principal = _principal(request)
        if principal is None:
            return None
        try:
            identified = _identified(request, principal)
            _prepare(view, request)
            return idempotency.answer_once(identified, lambda: _rendered(call()))
        except APIException as error:
            return _refuse(request, error)
        except idempotency.StillRunning:
            return _refuse(request, Conflict("The first request with this key is still at work; ask again later."))
        except idempotency.SecretAnswer:
            return _refuse(request, Conflict("This was done; its answer held a secret, which is not shown twice."))
        except idempotency.OtherRequest:
            return _refuse(request, Unprocessable("This key was used for a request with another body."))


def _prepare(view, request: HttpRequest) -> None:
    # What waits for others, such as name servers, is done before the transaction that the answer is kept in.
    if prepare := getattr(getattr(view, "cls", None), "prepare", None):
        prepare(request)


def _call(view, request: HttpRequest, args, kwargs) -> Callable[[], HttpResponse]:
    # The transaction belongs to this thread, so an async view is run from it.
    view = async_to_sync(view) if iscoroutinefunction(view) else view
    return partial(view, request, *args, **kwargs)


def _identified(request: HttpRequest, principal: str) -> idempotency.Request:
    key = request.headers[HEADER]
    if not idempotency.is_key(key):
        raise ValidationError({HEADER: idempotency.KEY_FORM})
    return idempotency.Request(principal, request.method, request.path[:500], key, request.body + _attributes(request))


def _attributes(request: HttpRequest) -> bytes:
    # In the binary mode of CloudEvents most of an event stands in headers.
    told = sorted((name, value) for name, value in request.headers.items() if name.lower().startswith("ce-"))
    return repr(told).encode() if told else b""


def _principal(request: HttpRequest) -> str | None:
    text = keys.bearer(request.headers.get("Authorization", ""))
    if text is not None:
        key = keys.find(text)
        return f"user:{key.user_id}" if key else None
    return f"user:{request.user.pk}" if request.user.is_authenticated else None


def _rendered(response: HttpResponse) -> HttpResponse:
    return response.render() if hasattr(response, "render") and not response.is_rendered else response


def _refuse(request: HttpRequest, error: APIException) -> HttpResponse:
    return _rendered(Refusal.as_view(error=error)(request))


class LiveAuthentication:
    """Says who opens a stream or socket: a key in `Authorization: Bearer`, a ticket, the session cookie, or nobody.

    A cookie comes along from any page, so with it a foreign Origin is refused (HTTP 403); programs send no Origin.
    """

    def __init__(self, app, problem_body: Callable[[int, str], dict[str, Any]]) -> None:
        self._app = app
        self._problem_body = problem_body

    async def __call__(self, scope, receive, send):
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        address = origins.address(scope.get("client"), headers)
        find = _credential(scope, headers)
        # Without a credential there is nothing to ask, hence no thread.
        principal = await database_sync_to_async(find, thread_sensitive=False)(address) if find else Anonymous(address)
        if principal is None:
            return await self._refuse_unknown(scope, receive, send)
        by_cookie = isinstance(principal, SessionHolder) and find.func is by_session
        if by_cookie and not _is_own_page(scope, headers):
            return await self._refuse_foreign(scope, receive, send)
        known = {"principal": principal, "response_headers": _sharing(headers, by_cookie=by_cookie)}
        del headers, find  # the connection may live long
        return await self._app({**scope, **known}, receive, send)

    async def _refuse_unknown(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            return await self._answer(send, 401, UNKNOWN, [(b"www-authenticate", b'Bearer realm="tidewire"')])
        # Accepted first: a browser is told the code of a close, not of a refusal.
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": CLOSE_SIGNED_OUT, "reason": UNKNOWN})

    async def _refuse_foreign(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            return await self._answer(send, 403, "A page of another origin may not use this session.")
        await receive()
        await send({"type": "websocket.close"})

    async def _answer(self, send, status: int, detail: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        body = json.dumps(self._problem_body(status, detail)).encode()
        headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *headers]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _credential(scope, headers: Mapping[bytes, str]) -> partial | None:
    """Return how to find who it is, given an address; None when the client brought nothing that could tell."""
    if (text := keys.bearer(headers.get(b"authorization", ""))) is not None:
        return partial(by_key, text)
    if (tickets := parse_qs(scope.get("query_string", b"").decode("latin-1"), True).get("ticket")) is not None:
        return partial(by_ticket, tickets[-1])
    session_key = parse_cookie(headers.get(b"cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
    return partial(by_session, session_key) if sessions.is_key(session_key) else None


def _sharing(headers: Mapping[bytes, str], *, by_cookie: bool) -> list[tuple[bytes, bytes]]:
    """Let pages of other origins read a stream; one that a cookie opens only those that may use the cookie."""
    if (origin := headers.get(b"origin")) is None:
        return []
    if not by_cookie:
        return [(b"access-control-allow-origin", b"*")]
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"access-control-allow-credentials", b"true")]


def _is_own_page(scope, headers: Mapping[bytes, str]) -> bool:
    origin = headers.get(b"origin")
    is_secure = origins.is_secure(scope.get("scheme", ""), headers)
    return origin is None or origins.is_own(origin, headers.get(b"host", ""), is_secure=is_secure)
