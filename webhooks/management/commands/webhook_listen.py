"""`manage.py webhook_listen`: a receiver on this machine that verifies and shows what comes."""

import errno
import queue
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.utils import timezone

from access.models import User
from events import catalogue
from webhooks import actions, signing
from webhooks.addresses import RefusedURL, check_url
from webhooks.catcher import Answer, Catcher, Caught
from webhooks.management.answers import Answers
from webhooks.management.block import block
from webhooks.models import Endpoint


class Command(BaseCommand):
    """Listen for webhooks."""

    help = (
        "Listens on this machine for webhooks, and shows each with whether its signature is good. "
        "With --user it makes an endpoint for itself, and removes it at the end; Ctrl-C ends it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to listen, whose events, and what to answer."""
        parser.add_argument("--port", type=int, default=0, help="The port on 127.0.0.1; 0, the default: a free one.")
        parser.add_argument("--user", help="Make an endpoint of this user's for as long as this runs.")
        parser.add_argument("--type", action="append", metavar="PATTERN", help="With --user: only these types.")
        parser.add_argument("--topic", action="append", metavar="PATTERN", help="With --user: only these topics.")
        parser.add_argument("--secret", action="append", help="What verifies: whsec_… or whpk_…; may be repeated.")
        parser.add_argument("--forward", metavar="URL", help="Pass each request on, and answer what comes back.")
        parser.add_argument("--status", type=int, default=204, help="Answer with this status (204).")
        parser.add_argument("--fail", type=int, metavar="STATUS", help="Answer the first tries of each event so.")
        parser.add_argument("--times", type=int, default=1, help="With --fail: how many tries of each (1).")

    def handle(self, *args, **options) -> None:
        """Listen until a signal comes."""
        _check(options)
        self._queue: queue.SimpleQueue[tuple[Caught, Answer] | None] = queue.SimpleQueue()
        self._answers = Answers(**{name: options[name] for name in ("status", "fail", "times", "forward")})
        catcher = _listen(options["port"], self._take)
        with closing(catcher), _ended_by_signals(lambda: self._queue.put(None)):
            self._run(catcher.url, options)

    def _run(self, url: str, options: dict[str, Any]) -> None:
        endpoint = _make_endpoint(url, options) if options["user"] else None
        try:
            self._greet(url, endpoint, options)
            while (came := self._queue.get()) is not None:
                self._show(*came, keys=_keys(endpoint, options["secret"] or []))
        finally:
            if endpoint is not None:
                self._remove(endpoint)

    def _take(self, request: Caught) -> Answer:
        answer = self._answers.to(request)
        self._queue.put((request, answer))
        return answer

    def _greet(self, url: str, endpoint: Endpoint | None, options: dict[str, Any]) -> None:
        self.stdout.write(f"Listening at {url}")
        if endpoint is not None:
            self.stdout.write(f"Endpoint {endpoint.pk} of {options['user']} leads here, and is removed at the end.")
        self.stdout.write("Ctrl-C ends it.")
        self.stdout.flush()

    def _show(self, request: Caught, answer: Answer, keys: list[str]) -> None:
        self.stdout.write(block(request, answer, self._verdict(request, keys)))
        self.stdout.flush()

    def _verdict(self, request: Caught, keys: list[str]) -> str:
        if not keys:
            return self.style.WARNING("not verified: no secret was given")
        try:
            signing.verify(request.headers, request.body, keys, now=request.at)
        except signing.SignatureError as error:
            return self.style.ERROR(f"NOT VERIFIED: {error}")
        return self.style.SUCCESS("verified")

    def _remove(self, endpoint: Endpoint) -> None:
        number = endpoint.pk
        try:
            endpoint.delete()
            self.stdout.write(f"Endpoint {number} is removed.")
        except DatabaseError:
            self.stderr.write(f"The database does not answer: endpoint {number} is still there.")


@contextmanager
def _ended_by_signals(end: Callable[[], None]) -> Iterator[None]:
    """Call something at a signal to end, instead of what is otherwise done."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: end()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _check(options: dict[str, Any]) -> None:
    """Refuse what cannot be, before anything is made."""
    if not 0 <= options["port"] <= 65535:
        raise CommandError("--port is a number from 0 to 65535.")
    if options["user"] and options["secret"]:
        raise CommandError("--user brings the secret of its own endpoint; leave --secret out.")
    if not options["user"] and (options["type"] or options["topic"]):
        raise CommandError("--type and --topic choose events for --user.")
    for status in (options["status"], options["fail"] or 200):
        if not 200 <= status <= 599:
            raise CommandError(f"{status} is not a status from 200 to 599.")
    if options["times"] < 1:
        raise CommandError("--times is at least 1.")
    for secret in options["secret"] or []:
        _check_secret(secret)
    if options["forward"]:
        _check_forward(options["forward"])


def _check_secret(secret: str) -> None:
    try:
        if secret.startswith(signing.PUBLIC_KEY):
            signing.jwk(secret)
        else:
            signing.sign("id", 0, b"", [secret])
    except signing.SignatureError as error:
        raise CommandError(f"--secret is not of use. {error}") from None


def _check_forward(url: str) -> None:
    try:
        check_url(url, allow_http=True, allow_private=True)
    except RefusedURL as error:
        raise CommandError(f"--forward: {error}") from None


def _listen(port: int, take: Callable[[Caught], Answer]) -> Catcher:
    try:
        return Catcher(take, port=port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"Port {port} is taken; leave --port out for a free one.") from None
        raise CommandError(f"Port {port} cannot be listened on: {error.strerror}.") from None


def _make_endpoint(url: str, options: dict[str, Any]) -> Endpoint:
    """Make the endpoint that leads here."""
    try:
        check_url(url, allow_http=settings.TIDEWIRE_WEBHOOKS_ALLOW_HTTP, allow_private=_allows_private())
    except RefusedURL as error:
        hint = "A server in development is started with TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE=1."
        raise CommandError(f"The server would send nothing here. {error} {hint}") from None
    for pattern in options["type"] or []:
        if not catalogue.is_pattern(pattern):
            raise CommandError(f"{pattern!r} is not a type, a prefix ending in .*, or *.")
    chosen = {"event_types": options["type"], "topics": options["topic"]}
    fields = {name: patterns for name, patterns in chosen.items() if patterns}
    try:
        owner = User.objects.filter(username=options["user"], is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        return actions.create_endpoint(owner, url=url, description="manage.py webhook_listen", **fields)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    except DatabaseError:
        raise CommandError("The database does not answer: is script/server running?") from None


def _allows_private() -> bool:
    return bool(settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE)


def _keys(endpoint: Endpoint | None, secrets: list[str]) -> list[str]:
    """Return what verifies now: an endpoint's secret may have been rotated since the last request."""
    if endpoint is None:
        return secrets
    try:
        endpoint.refresh_from_db()
        return endpoint.signing_keys(timezone.now())
    except (DatabaseError, Endpoint.DoesNotExist):
        return [endpoint.secret]
