"""What stands before every request: idempotency for the API, and who is who for sockets."""

from collections.abc import Callable
from functools import partial

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.http.request import split_domain_port, validate_host
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.views import APIView

from access import idempotency, keys
from access.models import User

HEADER = "Idempotency-Key"
CLOSE_SIGNED_OUT = 4401


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
        return self._answer(request, _call(view, request, args, kwargs)) if self._concerns(request) else None

    async def _process_view_async(self, request, view, args, kwargs) -> HttpResponse | None:
        if not self._concerns(request):
            return None
        return await sync_to_async(self._answer)(request, _call(view, request, args, kwargs))

    def _concerns(self, request: HttpRequest) -> bool:
        return request.method == "POST" and request.path.startswith("/api/") and HEADER in request.headers

    def _answer(self, request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse | None:
        principal = _principal(request)
        if principal is None:
            return None
        try:
            return idempotency.answer_once(_identified(request, principal), lambda: _rendered(view()))
        except APIException as error:
            return _refuse(request, error)
        except idempotency.StillRunning:
            return _refuse(request, Conflict("The first request with this key is still at work; ask again later."))
        except idempotency.SecretAnswer:
            return _refuse(request, Conflict("This was done; its answer held a secret, which is not shown twice."))
        except idempotency.OtherRequest:
            return _refuse(request, Unprocessable("This key was used for a request with another body."))


def _call(view, request: HttpRequest, args, kwargs) -> Callable[[], HttpResponse]:
    # The transaction belongs to this thread, so an async view is run from it.
    view = async_to_sync(view) if iscoroutinefunction(view) else view
    return partial(view, request, *args, **kwargs)


def _identified(request: HttpRequest, principal: str) -> idempotency.Request:
    key = request.headers[HEADER]
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise ValidationError({HEADER: "Give 1 to 255 printable characters."})
    return idempotency.Request(principal, request.method, request.path[:500], key, request.body)


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
    """Says who opens a socket: a key in `Authorization: Bearer`, else the session cookie, else nobody.

    A cookie comes along from any page, so with it a foreign Origin is refused (HTTP 403); programs send no Origin.
    """

    def __init__(self, app) -> None:
        self._app = app

    async def __call__(self, scope, receive, send):
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        text = keys.bearer(headers.get(b"authorization", ""))
        find = partial(_by_key, text) if text is not None else partial(_by_cookie, headers.get(b"cookie", ""))
        user = await database_sync_to_async(find, thread_sensitive=False)()
        if user is None:
            return await _close_signed_out(receive, send)
        if text is None and user.is_authenticated and not _is_own_origin(headers):
            await receive()
            return await send({"type": "websocket.close"})
        return await self._app({**scope, "user": user, "still_valid": partial(_same, find, user.pk)}, receive, send)


def _by_key(text: str) -> User | None:
    key = keys.find(text)
    return key.user if key else None


def _by_cookie(header: str) -> User | AnonymousUser:
    session_key = parse_cookie(header).get(settings.SESSION_COOKIE_NAME, "")
    # A quoted cookie can hold any character, even one that no database takes.
    if not session_key.isalnum():
        return AnonymousUser()
    request = HttpRequest()
    request.session = SessionStore(session_key)
    return get_user(request)


def _same(find: Callable[[], User | AnonymousUser | None], pk: int | None) -> bool:
    user = find()
    return user is not None and user.pk == pk


def _is_own_origin(headers: dict[bytes, str]) -> bool:
    origin = headers.get(b"origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    host = headers.get(b"host", "")
    domain, _ = split_domain_port(host)
    return origin.partition("://")[2] == host and validate_host(domain, settings.ALLOWED_HOSTS)


async def _close_signed_out(receive, send) -> None:
    # Accepted first: a browser is told the code of a close, not of a refusal.
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": CLOSE_SIGNED_OUT, "reason": "This key is not valid."})
