"""For pytest: a real receiver on this machine, so that a test can say what was sent.

Name it in a `conftest.py`: `pytest_plugins = ["webhooks.testing"]`; docs/webhooks.md shows how to use it.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from events import relay, subscribers
from webhooks import actions, sender, signing
from webhooks.catcher import Answer, Catcher, Caught
from webhooks.models import Delivery, Endpoint


class WebhookReceiver:
    """A subscriber's server: keeps what it got, answers as it is told, and knows what was signed for it."""

    def __init__(self) -> None:
        self.requests: list[Caught] = []
        # Keys beside those of the endpoints that were made here: for endpoints that a test makes by itself.
        self.secrets: list[str] = []
        self._endpoints: list[int] = []
        self._next: list[Answer] = []
        self._always = Answer()
        self._came = threading.Condition()
        self._catcher = Catcher(self._take)
        self.url = self._catcher.url

    def endpoint(self, owner: Any, path: str = "", **fields: Any) -> Endpoint:
        """Make an endpoint of somebody's that leads here."""
        endpoint = actions.create_endpoint(owner, url=self.url + path, **fields)
        self._endpoints.append(endpoint.pk)
        return endpoint

    def answer(self, status: int, *, times: int | None = None, **headers: str) -> None:
        """Answer so from now on, or so many times; a header's name is written with underscores."""
        answer = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()})
        if times is None:
            self._always = answer
        else:
            self._next += [answer] * times

    def deliver(self) -> None:
        """Let what was recorded flow through the log and be sent, as the workers do."""
        while relay.run():
            for name in subscribers.names():
                subscribers.run(name)
        sender.run()

    def retry(self) -> None:
        """Let the tries that wait be due, those to an endpoint that is left in peace too, and send them."""
        Endpoint.objects.filter(pk__in=self._endpoints).update(postponed_until=None)
        waiting = Delivery.objects.filter(endpoint__in=self._endpoints, status=Delivery.Status.PENDING)
        # By the clock that the sender goes by.
        waiting.update(next_attempt_at=Now())
        sender.run()

    def wait_for(self, count: int, seconds: float = 10) -> list[Caught]:
        """Wait until so many requests have come, and return all; for deliveries by another process."""
        with self._came:
            if not self._came.wait_for(lambda: len(self.requests) >= count, seconds):
                raise AssertionError(f"{len(self.requests)} of {count} webhooks came within {seconds:g} s.")
            return list(self.requests)

    def verify(self, request: Caught) -> dict[str, Any]:
        """Return the event of a request, or fail when it is not signed with a key that is known here."""
        try:
            signing.verify(request.headers, request.body, self._keys(), now=request.at)
        except signing.SignatureError as error:
            raise AssertionError(f"A webhook is not signed well. {error}") from None
        return json.loads(request.body)

    def sent(self, type: str | None = None) -> list[dict[str, Any]]:
        """Return the events that came, verified, in the order in which they came; a retry comes again."""
        events = [self.verify(request) for request in self.requests]
        return [event for event in events if type in (None, event["type"])]

    def assert_sent(self, type: str, **data: Any) -> dict[str, Any]:
        """Return the first event of this type whose data holds at least this; without one, fail with what came."""
        events = self.sent()
        for event in events:
            if event["type"] == type and _holds(event["data"], data):
                return event
        came = "\n".join(f"  {event['type']} {json.dumps(event['data'])}" for event in events) or "  nothing"
        raise AssertionError(f"No {type} with {data} was sent. What came:\n{came}")

    def assert_not_sent(self, type: str | None = None) -> None:
        """Fail when an event of this type came, or anything at all."""
        if events := self.sent(type):
            raise AssertionError(f"{len(events)} of {type or 'all types'} were sent: {events}")

    def close(self) -> None:
        """Listen no more."""
        self._catcher.close()

    def _keys(self) -> list[str]:
        endpoints = Endpoint.objects.filter(pk__in=self._endpoints).prefetch_related("retired_secrets")
        return self.secrets + [key for endpoint in endpoints for key in endpoint.signing_keys(timezone.now())]

    def _take(self, request: Caught) -> Answer:
        with self._came:
            self.requests.append(request)
            self._came.notify_all()
            return self._next.pop(0) if self._next else self._always


def _holds(given: Any, wanted: Any) -> bool:
    """Tell whether a value holds at least what is wanted of it, member by member."""
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and all(
            name in given and _holds(given[name], value) for name, value in wanted.items()
        )
    return bool(given == wanted)


@pytest.fixture
def webhook_receiver(settings: Any) -> Iterator[WebhookReceiver]:
    """Run a receiver for one test, and let the server send to this machine."""
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = settings.TIDEWIRE_WEBHOOKS_ALLOW_HTTP = True
    settings.TIDEWIRE_WEBHOOKS_PROXY_URL = ""
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()
