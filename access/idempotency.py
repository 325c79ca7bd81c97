"""Idempotent requests: what a request did and what it was answered are kept in one transaction.

So a client that heard nothing may ask again: either nothing was done, or it gets the answer of the first time.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from access.models import IdempotentAnswer

WAIT_FOR_FIRST = "10s"
CHUNK = 5000
KEY_FORM = "Give 1 to 255 printable characters."


class StillRunning(Exception):
    """The first request with this key is still at work."""


class OtherRequest(Exception):
    """The key was used for a request with another body."""


class SecretAnswer(Exception):
    """The first answer held a secret, which is not shown twice."""


@dataclass(frozen=True, slots=True)
class Request:
    """What makes two requests the same: who, what, where, and the key; and the body, which must then be the same."""

    principal: str
    method: str
    path: str
    key: str
    body: bytes

    @property
    def scope(self) -> dict[str, str]:
        """Return the part that is unique."""
        return {"principal": self.principal, "method": self.method, "path": self.path, "key": self.key}

    @property
    def hash(self) -> bytes:
        """Return the hash of the body."""
        return hashlib.sha256(self.body).digest()


def is_key(text: str) -> bool:
    """Say whether this may be a key."""
    return 1 <= len(text) <= 255 and text.isprintable()


def answer_once(request: Request, do: Callable[[], HttpResponse]) -> HttpResponse:
    """Do the work and keep its answer, or return the answer of the first time.

    Only what succeeded is kept: a request that failed has done nothing, and may be tried again.
    Raises `StillRunning`, `OtherRequest` or `SecretAnswer`.
    """
    with transaction.atomic():
        answer = _claim(request)
        if answer.status:
            return _repeat(request, answer)
        response = do()
        if 200 <= response.status_code < 300:
            _keep(answer, response)
        else:
            transaction.set_rollback(True)
        return response


def _claim(request: Request) -> IdempotentAnswer:
    """Insert the row, or find the one that is there; a request still at work is waited for, for a while."""
    claim = IdempotentAnswer(**request.scope, request_hash=request.hash)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{WAIT_FOR_FIRST}'")
            IdempotentAnswer.objects.bulk_create([claim], ignore_conflicts=True)
            cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise StillRunning from error
        raise
    return IdempotentAnswer.objects.get(**request.scope)


def _repeat(request: Request, answer: IdempotentAnswer) -> HttpResponse:
    if bytes(answer.request_hash) != request.hash:
        raise OtherRequest
    if answer.holds_secret:
        raise SecretAnswer
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    response["Idempotent-Replayed"] = "true"
    return response


def _keep(answer: IdempotentAnswer, response: HttpResponse) -> None:
    answer.status = response.status_code
    answer.content_type = response.get("Content-Type", "")
    answer.holds_secret = getattr(response, "holds_secret", False)
    answer.body = "" if answer.holds_secret else response.content.decode()
    answer.save(update_fields=["status", "content_type", "holds_secret", "body"])


def forget() -> int:
    """Forget the answers that are older than the promise to repeat them, some thousand at a time."""
    before = timezone.now() - timedelta(hours=settings.TIDEWIRE_IDEMPOTENCY_HOURS)
    forgotten = 0
    while ids := list(IdempotentAnswer.objects.filter(created_at__lt=before).values_list("pk", flat=True)[:CHUNK]):
        forgotten += IdempotentAnswer.objects.filter(pk__in=ids).delete()[0]
    return forgotten
