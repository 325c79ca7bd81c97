"""The pages of deliveries, with every try."""

import json
from dataclasses import dataclass
from functools import cached_property

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from access.pages import rows
from access.pages.posts import signed_in_post
from events import log
from events.models import Event
from webhooks import actions, message
from webhooks.models import Attempt, Delivery
from webhooks.pages.endpoints import gone_is_not_found, live
from webhooks.pages.states import with_state


@dataclass(frozen=True)
class Try:
    """A try as it is shown; what it sent is known as long as the event is in the log."""

    attempt: Attempt
    body: bytes | None

    @property
    def succeeded(self) -> bool:
        """Say whether the receiver took it."""
        return 200 <= (self.attempt.status_code or 0) < 300

    @property
    def _is_whole(self) -> bool:
        return self.body is not None and {"webhook-id", "webhook-timestamp"} <= self.attempt.request_headers.keys()

    @cached_property
    def base_string(self) -> str:
        """Return the text that was signed."""
        return message.base_string(self.attempt.request_headers, self.body) if self._is_whole else ""

    @cached_property
    def as_curl(self) -> str:
        """Return the command that sends the same."""
        if not self._is_whole or not self.attempt.url:
            return ""
        return message.as_curl(self.attempt.url, self.attempt.request_headers, self.body)


def body_of(delivery: Delivery) -> bytes | None:
    """Return the body of a delivery's tries, or None when its event is no longer in the log."""
    event = Event.objects.filter(position=delivery.position, event_id=delivery.event_id).first()
    return event and message.body_of(event, log.head().epoch)


def pretty(body: bytes | None) -> str:
    """Return a body as people read it."""
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else ""


def _own(request: HttpRequest, pk: int) -> Delivery:
    return get_object_or_404(Delivery.objects.select_related("endpoint"), endpoint__owner=request.user, pk=pk)


@login_required
@require_safe
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a delivery with its tries, the newest first."""
    delivery = _own(request, pk)
    body = body_of(delivery)
    page = rows.page(request, Attempt.objects.filter(delivery=delivery))
    context = {
        "delivery": delivery,
        "endpoint": with_state(delivery.endpoint),
        "body": pretty(body),
        "tries": [Try(attempt, body) for attempt in page["rows"]],
    }
    return render(request, "webhooks/delivery.html", page | context | live(request, [delivery.endpoint]))


@signed_in_post
@gone_is_not_found
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it once more."""
    delivery = _own(request, pk)
    try:
        actions.resend(delivery)
    except actions.NotPossible as error:
        messages.error(request, str(error))
    else:
        words = "It is due now." if delivery.endpoint.enabled else "It is due, and waits until the endpoint is resumed."
        messages.success(request, words)
    return redirect("delivery-page", pk)
