"""Deliveries with every attempt, for operators."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from webhooks import actions
from webhooks.admin.bounds import AT_ONCE, ReadOnly, newest
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.pages.deliveries import Try, body_of

ATTEMPTS = 20
# Of more endpoints the list leads to their deliveries.
ENDPOINTS_TO_CHOOSE = 20
ENDPOINTS_SEARCHED = 10_000


class StatusFilter(admin.SimpleListFilter):
    """By status: of one endpoint all, of all endpoints among the newest, for no index serves more."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer every status."""
        return [(each.value, each.label) for each in Delivery.Status]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep those of the status."""
        if self.value() is None:
            return queryset
        found = queryset.filter(status=self.value())
        return found if request.GET.get("endpoint") else newest(found, Delivery.objects.all())


class EndpointFilter(admin.SimpleListFilter):
    """By endpoint: the one whose deliveries are shown, or all when they are few."""

    title = "endpoint"
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the endpoints."""
        endpoints = Endpoint.objects.order_by("-pk")
        chosen = _number(request.GET.get("endpoint", ""))
        shown = endpoints.filter(pk=chosen) if chosen is not None else endpoints[: ENDPOINTS_TO_CHOOSE + 1]
        found = [(str(endpoint.pk), str(endpoint)) for endpoint in shown]
        return found if len(found) <= ENDPOINTS_TO_CHOOSE else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep those to the endpoint."""
        if self.value() is None:
            return queryset
        number = _number(self.value() or "")
        return queryset.none() if number is None else queryset.filter(endpoint=number)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class AttemptInline(admin.StackedInline):
    """The newest attempts of a delivery, with all that was sent and came back."""

    model = Attempt
    can_delete = False
    extra = 0
    fields = readonly_fields = [
        *("number", "started_at", "duration_ms", "status_code", "error"),
        *("request", "response", "base_string", "as_curl"),
    ]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Return the newest of the delivery's: one that is resent often has many."""
        delivery = _number(request.resolver_match.kwargs.get("object_id", "")) if request.resolver_match else None
        rows = super().get_queryset(request).select_related("delivery")
        of_delivery = Attempt.objects.filter(delivery=delivery).order_by("-pk").values_list("pk", flat=True)
        return rows.filter(pk__in=list(of_delivery[:ATTEMPTS]))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _shown(self, attempt: Attempt) -> Try:
        # An inline lives as long as one request, in which all are attempts of one delivery.
        if not hasattr(self, "_body"):
            self._body = body_of(attempt.delivery)
        return Try(attempt, self._body)

    @admin.display
    def request(self, attempt: Attempt) -> str:
        """Show where to, and the headers."""
        return _pre(f"POST {attempt.url}", *_lines(attempt.request_headers))

    @admin.display
    def response(self, attempt: Attempt) -> str:
        """Show the answer."""
        status = str(attempt.status_code or "None came.")
        return _pre(status, *_lines(attempt.response_headers), "", attempt.response_body)

    @admin.display(description="What was signed")
    def base_string(self, attempt: Attempt) -> str:
        """Show the text over which the signature is."""
        return _pre(self._shown(attempt).base_string)

    @admin.display(description="As a curl command")
    def as_curl(self, attempt: Attempt) -> str:
        """Show the command that sends the same."""
        return _pre(self._shown(attempt).as_curl)


def _lines(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


def _pre(*lines: str) -> str:
    text = "\n".join(lines).rstrip()
    return format_html('<pre class="wire">{}</pre>', text) if text else "-"


def _resend(delivery: Delivery) -> str:
    """Make it due; return why that is not possible, or an empty text."""
    try:
        actions.resend(delivery)
    except actions.NotPossible as error:
        return str(error)
    return ""


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    """Deliveries with their attempts; any can be sent again, and what waits can be cancelled."""

    list_display = [
        *("id", "event_type", "endpoint", "status", "attempts", "last_status_code"),
        *("next_attempt_at", "created_at"),
    ]
    list_filter = [StatusFilter, EndpointFilter]
    list_select_related = ["endpoint"]
    list_per_page = 50
    search_fields = ["event_id"]  # makes the field appear; get_search_results says what is searched
    search_help_text = "An event's id; or an event type, among the latest 100,000 deliveries."
    inlines = [AttemptInline]
    actions = ["resend", "cancel"]
    fields = readonly_fields = [
        *("event_id", "event_type", "position", "endpoint", "status", "reason", "attempts", "last_status_code"),
        *("next_attempt_at", "lease_until", "created_at"),
    ]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Search by one thing at a time, so that an index serves it; types have none, so theirs ends somewhere."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            event = UUID(term)
        except ValueError:
            return newest(queryset.filter(event_type=term), Delivery.objects.all()), False
        # As values: the index on endpoint and event is asked for each, and no other way is taken.
        endpoints = Endpoint.objects.order_by("-pk").values_list("pk", flat=True)[:ENDPOINTS_SEARCHED]
        return queryset.filter(endpoint__in=list(endpoints), event_id=event), False

    @admin.action(description="Send the selected deliveries again", permissions=["change"])
    def resend(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Make them due now, as far as something can be sent."""
        refusals = [_resend(delivery) for delivery in queryset[:AT_ONCE]]
        refused = [refusal for refusal in refusals if refusal]
        self.message_user(request, f"{len(refusals) - len(refused)} are due now.", messages.SUCCESS)
        if refused:
            self.message_user(request, f"{len(refused)} are not: {refused[0]}", messages.WARNING)

    @admin.action(description="Cancel the selected deliveries that are pending", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet) -> None:
        """End what waits unsent."""
        ids = list(queryset.values_list("pk", flat=True)[:AT_ONCE])
        count = Delivery.objects.filter(pk__in=ids, status=Delivery.Status.PENDING).cancel()
        self.message_user(request, f"{count} are cancelled.", messages.SUCCESS)


@admin.register(Attempt)
class AttemptAdmin(ReadOnly):
    """Attempts, the newest first; a delivery shows its own with all that belongs to them."""

    list_display = ["id", "delivery", "number", "status_code", "duration_ms", "error", "started_at"]
    list_select_related = ["delivery"]
    list_per_page = 50
    fields = readonly_fields = [
        *("delivery", "number", "url", "started_at", "duration_ms", "status_code", "error"),
        *("request_headers", "response_headers", "response_body"),
    ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
