"""The log: read by long poll, and published to."""

from dataclasses import dataclass
from functools import partial

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from access.views import publishing
from events import catalogue, cursor, log
from events.consumers import wait_for_event
from events.cursor import Cursor

WAIT_MAX_SECONDS = 30
LIMIT_MAX = 1000
# A rare type among many events: so many pages of the log are looked through for one answer.
PAGES_PER_ANSWER = 10


@dataclass(frozen=True, slots=True)
class Poll:
    """What a long poll asks."""

    names: list[str]
    after: Cursor | None
    types: list[str]
    wait: int
    limit: int


@csrf_exempt
async def events(request: HttpRequest) -> HttpResponse:
    """Serve `/api/v1/events/`: look at the log and, when it has nothing yet, wait without a thread and look again."""
    look = sync_to_async(EventsView.as_view())
    response = await look(request)
    if (waiting := getattr(response, "waiting", None)) is not None:
        topics, types, after, seconds, own_topic = waiting
        await wait_for_event(topics, types, after, seconds, own_topic)
        _forget_who_asks(request)
        response = await look(request, after=after, waited=True)
    return response


def _forget_who_asks(request: HttpRequest) -> None:
    # A session may end during the wait; what was known of it at the first look shows nothing at the second.
    request.session = type(request.session)(request.session.session_key)
    request.user = SimpleLazyObject(partial(get_user, request))


class EventsView(APIView):
    """Reads the log after a cursor, and takes events that clients publish."""

    parser_classes = publishing.PARSERS

    def get_throttles(self) -> list:
        """Count one request once, though it looks twice."""
        return [] if self.kwargs.get("waited") else super().get_throttles()

    def initial(self, request, *args, **kwargs) -> None:
        """Read the head before it is asked who this is: a right that ends later is still one up to there."""
        self.head = log.head()
        super().initial(request, *args, **kwargs)

    def get(self, request, after: Cursor | None = None, waited: bool = False) -> Response:
        """Return the events after the cursor, or a reset when it cannot be continued."""
        poll = _poll(request.query_params)
        topics = _readable(request.user, poll.names)
        head = self.head
        after = after or poll.after or head.cursor
        if reason := head.refuses(after):
            return self._reset(reason, head, after, poll, topics, waited)
        found, position = _events(topics, after.position, head, poll)
        now = log.head()
        if reason := now.refuses(after):
            return self._reset(reason, now, after, poll, topics, waited)
        response = Response(
            {
                "events": [log.as_cloud_event(event, head.epoch) for event in found],
                "cursor": str(Cursor(head.epoch, position)),
                "head": str(now.cursor),
                "reset": None,
            }
        )
        if not found and poll.wait and not waited:
            response.waiting = (topics, poll.types, Cursor(head.epoch, position), poll.wait, _own_topic(request.user))
        return response

    def post(self, request) -> Response:
        """Publish one event or many."""
        return publishing.answer(request)

    def _reset(self, reason, head, after, poll, topics, waited) -> Response:
        response = Response({"events": [], "cursor": str(head.cursor), "head": str(head.cursor), "reset": reason})
        if reason == "ahead" and not waited:
            # Perhaps this answer is only quicker than the log.
            response.waiting = (topics, poll.types, after, 1, "")
        return response


def _events(topics: list[str], after: int, head: log.Head, poll: Poll) -> tuple[list, int]:
    for _ in range(PAGES_PER_ANSWER):
        page = log.page(topics, after=after, upto=head.position, limit=poll.limit, types=poll.types)
        after = page.position
        if page.events or after >= head.position:
            break
    return page.events, after


def _poll(params) -> Poll:
    names, types = _words(params, "topic"), _words(params, "types")
    if not names:
        raise ValidationError({"topic": "Name at least one topic."})
    for name in names:
        if not catalogue.is_topic(name):
            raise ValidationError({"topic": f"{name[:100]!r} is not a topic."})
    for pattern in types:
        if not catalogue.is_pattern(pattern):
            raise ValidationError({"types": f"{pattern[:100]!r} is not a type, a prefix ending in .*, or *."})
    wait = _bounded(params, "wait", 0, 0, WAIT_MAX_SECONDS)
    return Poll(names, _cursor(params), types, wait, _bounded(params, "limit", 100, 1, LIMIT_MAX))


def _words(params, field: str) -> list[str]:
    words = [word.strip() for value in params.getlist(field) for word in value.split(",")]
    return [word for word in words if word]


def _cursor(params) -> Cursor | None:
    try:
        return cursor.parse(params["after"]) if "after" in params else None
    except cursor.InvalidCursor as error:
        raise ValidationError({"after": str(error)}) from None


def _bounded(params, field: str, default: int, low: int, high: int) -> int:
    text = params.get(field, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not low <= int(text) <= high:
        raise ValidationError({field: f"Give a whole number from {low} to {high}."})
    return int(text)


def _own_topic(user) -> str:
    # On it is told what changes the user's rights and what their names mean.
    return f"users.{user.pk}" if user.is_authenticated else ""


def _readable(user, names: list[str]) -> list[str]:
    try:
        return catalogue.authorise(user, names, limit=settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS)
    except catalogue.SignInFirst as error:
        raise NotAuthenticated(str(error)) from None
    except catalogue.TooManyTopics as error:
        raise ValidationError({"topic": str(error)}, code="too_many") from None
    except catalogue.Unreadable as error:
        raise PermissionDenied(str(error)) from None
