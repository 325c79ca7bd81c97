"""The pages of endpoints."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from access import limits
from access.pages import rows
from access.pages.posts import signed_in_post
from events import log
from webhooks import actions, keys, previews, trends, undelivered
from webhooks.listeners import listener_of
from webhooks.models import Delivery, Endpoint
from webhooks.models.endpoint import everything
from webhooks.pages import charts
from webhooks.pages.forms import EndpointForm, RotationForm
from webhooks.pages.states import with_state
from webhooks.serializers.deliveries import DeliveryFilter

PREVIEW_DAYS = 7
WINDOW = "24h"

View = Callable[..., HttpResponse]


def own(request: HttpRequest, pk: int) -> Endpoint:
    """Return an endpoint of the user's; another's is not there."""
    return get_object_or_404(Endpoint, owner=request.user, pk=pk)


def gone_is_not_found(view: View) -> View:
    """Answer for what was deleted meanwhile, in another tab perhaps, as for what never was."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ObjectDoesNotExist:
            raise Http404 from None

    return wrapped


def live(request: HttpRequest, endpoints: list[Endpoint]) -> dict[str, str]:
    """Return what makes a page of these endpoints live; one that answers a form has the head as it is now."""
    topics = [f"webhooks.{endpoint.pk}" for endpoint in endpoints]
    cursor = getattr(request, "tidewire_cursor", None) or str(log.head().cursor)
    return {"cursor": cursor, "topics": ",".join([*topics, "me"])}


@login_required
@require_safe
def endpoints(request: HttpRequest) -> HttpResponse:
    """Show one's endpoints, the newest first."""
    page = rows.page(request, Endpoint.objects.filter(owner=request.user))
    shown = [with_state(endpoint) for endpoint in page["rows"]]
    context = {"everything": everything(), "address": request.build_absolute_uri("/").rstrip("/")}
    return render(request, "webhooks/endpoints.html", page | context | live(request, shown))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make an endpoint."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if _asks_preview(form):
        return _form(request, form)
    if form.is_valid() and (made := _done(form, lambda: actions.create_endpoint(request.user, **form.changes))):
        messages.success(request, "The endpoint is there. It gets what happens from now on.")
        return redirect("endpoint-page", made.pk)
    return _form(request, form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_not_found
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an endpoint."""
    endpoint = own(request, pk)
    form = EndpointForm(request.POST if request.method == "POST" else None, endpoint=endpoint)
    if _asks_preview(form):
        return _form(request, form)
    if form.is_valid() and _done(form, lambda: actions.change_endpoint(endpoint, **form.changes)):
        messages.success(request, "Saved.")
        return redirect("endpoint-page", pk)
    return _form(request, form)


def _done(form: EndpointForm, action: Callable[[], Endpoint]) -> Endpoint | None:
    """Do it; what the action refuses goes beside the form's fields."""
    try:
        return action()
    except ValidationError as error:
        by_field = error.message_dict if hasattr(error, "error_dict") else {None: error.messages}
        for name, sentences in by_field.items():
            form.add_error(name if name in form.fields else None, sentences)
        return None


def _asks_preview(form: EndpointForm) -> bool:
    """Say whether one wants to see what such an endpoint would have got, and nothing to be done yet."""
    return "preview" in form.data and form.is_valid()


def _form(request: HttpRequest, form: EndpointForm) -> HttpResponse:
    preview = _preview(request, form) if _asks_preview(form) else None
    context = {"form": form, "endpoint": form.endpoint, "preview": preview, "days": PREVIEW_DAYS}
    # A counter has an answer for every key, so that a template never comes to its methods.
    context["per_type"] = preview.per_type.most_common() if preview else []
    is_wrong = form.is_bound and preview is None
    return render(request, "webhooks/endpoint_form.html", context, status=400 if is_wrong else 200)


def _preview(request: HttpRequest, form: EndpointForm) -> previews.Preview | None:
    """Look through the log of the last days; too often within a minute is told above the form."""
    limit = settings.TIDEWIRE_USER_PREVIEWS_PER_MINUTE
    if limits.within(f"previewed.{request.user.pk}", 1, limit) is not None:
        form.add_error(None, "You have looked through the log too often within a minute.")
        return None
    wish = Endpoint(
        pk=form.endpoint and form.endpoint.pk,
        owner=request.user,
        created_position=0,
        **{name: form.changes[name] for name in ("event_types", "topics", "content_filter")},
    )
    return previews.preview(listener_of(wish), timezone.now() - timedelta(days=PREVIEW_DAYS))


@login_required
@require_safe
def endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an endpoint with what is delivered to it, by status."""
    endpoint = with_state(own(request, pk))
    asked = DeliveryFilter(data={"status": request.GET["status"]} if request.GET.get("status") else {})
    status = asked.validated_data.get("status") if asked.is_valid() else None
    deliveries = Delivery.objects.filter(endpoint=endpoint)
    counts = [(each, _count(deliveries, each)) for each in Delivery.Status]
    page = rows.page(request, _of_status(request, deliveries, endpoint, status))
    content_filter = json.dumps(endpoint.content_filter, ensure_ascii=False)
    context = {"endpoint": endpoint, "counts": counts, "status": status, "content_filter": content_filter}
    context |= _trends(request, endpoint) | live(request, [endpoint])
    return render(request, "webhooks/endpoint.html", page | context)


def _trends(request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
    """Return how deliveries went in the window that is asked for, as numbers and as charts."""
    asked = request.GET.get("window", "")
    name = asked if asked in trends.WINDOWS else WINDOW
    parts = trends.of(endpoint.pk, trends.WINDOWS[name], timezone.now())
    return {
        "window": name,
        "windows": trends.WINDOWS,
        "parts": parts,
        "limit": trends.LOOKED_AT,
        "is_sample": any(part.is_sample for part in parts),
        "has_trends": any(part.count for part in parts),
        "outcomes": charts.outcomes(parts),
        "latencies": charts.latencies(parts),
    }


def _count(deliveries: QuerySet, status: Delivery.Status) -> str:
    # What succeeded, nearly all, is in no index by status: its count must not walk past everything else.
    if status == Delivery.Status.SUCCEEDED:
        return rows.count_among_newest(deliveries, "status", status.value)
    return rows.count(deliveries.filter(status=status))


def _of_status(request: HttpRequest, deliveries: QuerySet, endpoint: Endpoint, status: str | None) -> QuerySet:
    if status != DeliveryFilter.UNDELIVERED:
        return deliveries.filter(status=status) if status else deliveries
    before, after = rows.number(request, "before"), rows.number(request, "after")
    edge = {"edge": after, "oldest_first": True} if before is None and after is not None else {"edge": before}
    return deliveries.filter(pk__in=undelivered.ids([endpoint.pk], limit=rows.PAGE + 1, **edge))


@login_required
@never_cache
@require_safe
def secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Show by what an endpoint's messages are verified, and what is still valid beside it."""
    endpoint = own(request, pk)
    context = {
        "endpoint": endpoint,
        "public_key": keys.public_key(endpoint),
        "secret": _readable_secret(endpoint),
        "retired": endpoint.retired_secrets.filter(expires_at__gt=timezone.now()),
        "form": RotationForm(),
    }
    return render(request, "webhooks/secret.html", context)


def _readable_secret(endpoint: Endpoint) -> str:
    """Return the secret that verifies, or an empty text where a public key does, or when it cannot be read."""
    if endpoint.signature == Endpoint.Signature.ASYMMETRIC:
        return ""
    try:
        return endpoint.secret
    except InvalidToken:
        return ""


def on_own(view: View) -> View:
    """Let a signed-in user's POST do something to an endpoint of theirs."""

    @signed_in_post
    @gone_is_not_found
    @wraps(view)
    def wrapped(request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        return view(request, own(request, pk), **kwargs)

    return wrapped


@on_own
def rotate(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Give it a new key."""
    form = RotationForm(request.POST)
    if form.is_valid():
        actions.rotate_secret(endpoint, overlap_hours=form.cleaned_data["overlap_hours"])
        messages.success(request, "There is a new key, and it signs from now on.")
    else:
        messages.error(request, "Choose for how long the old key signs on.")
    return redirect("endpoint-secret-page", endpoint.pk)


@on_own
def pause(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Send nothing to it for the time being; what is to be sent waits."""
    actions.change_endpoint(endpoint, enabled=False)
    return redirect("endpoint-page", endpoint.pk)


@on_own
def resume(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Send to it again."""
    actions.change_endpoint(endpoint, enabled=True)
    return redirect("endpoint-page", endpoint.pk)


@on_own
def test(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Send a test event to it."""
    limit = settings.TIDEWIRE_ENDPOINT_TESTS_PER_MINUTE
    try:
        if limits.within(f"tested.{endpoint.pk}", 1, limit) is not None:
            messages.error(request, "You have tested this endpoint too often within a minute.")
        else:
            actions.send_test(endpoint)
            messages.success(request, "A test event is on its way.")
    except actions.NotEnabled as error:
        messages.error(request, str(error))
    return redirect("endpoint-page", endpoint.pk)


@on_own
def delete(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Delete it with all that was or is to be sent to it."""
    endpoint.delete()
    messages.success(request, "The endpoint is deleted.")
    return redirect("endpoints-page")
