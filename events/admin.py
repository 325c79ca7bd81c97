"""What operators see of the core: the log as it is, what waits before it, and who stands where behind it."""

import json
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.utils.functional import cached_property
from django.utils.html import format_html

from events import actions, catalogue, log
from events.models import Checkpoint, DeclaredType, Event, LogHead, Outbox, ParkedEvent, Topic

# A search is not for walking the log: so far it counts, and so far back it looks for a type.
SEARCH_SHOWS = 1000
TYPE_SEARCH_REACHES = 100_000


class ReadOnly(admin.ModelAdmin):
    """Rows that people look at and never change."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class UncountedPaginator(Paginator):
    """Pages of the log, which is too long to count."""

    @cached_property
    def count(self) -> int:
        """Return how many events there are: of the whole log exactly, as positions are dense; of a search some."""
        if not self._is_whole:
            return self.object_list.order_by()[:SEARCH_SHOWS].count()
        head = log.head()
        return max(0, head.position - head.pruned)

    @property
    def _is_whole(self) -> bool:
        query = getattr(self.object_list, "query", None)
        return query is not None and not query.where


@admin.register(Event)
class EventAdmin(ReadOnly):
    """The log, newest first."""

    list_display = ["position", "type", "topic", "subject", "time"]
    fields = [
        "position",
        "event_id",
        "type",
        "topic",
        "subject",
        "time",
        "logged_at",
        "previous",
        "extensions",
        "pretty_data",
    ]
    ordering = ["-position"]
    search_fields = ["topic"]  # makes the field appear; get_search_results says what is searched
    search_help_text = "A whole topic or event id; or an event type, among the latest 100,000 events."
    show_full_result_count = False
    paginator = UncountedPaginator
    list_per_page = 50

    def get_search_results(self, request, queryset, search_term):
        """Search by one thing at a time, so that an index serves it; types have none, so theirs ends somewhere."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if _is_uuid(term):
            return queryset.filter(event_id=term), False
        if term in {each.name for each in catalogue.event_types()}:
            return queryset.filter(type=term, position__gt=log.head().position - TYPE_SEARCH_REACHES), False
        return queryset.filter(topic=term), False

    @admin.display(description="data")
    def pretty_data(self, event: Event) -> str:
        """Show the data indented."""
        return format_html("<pre>{}</pre>", json.dumps(event.data, indent=2, ensure_ascii=False))


def _is_uuid(term: str) -> bool:
    try:
        UUID(term)
    except ValueError:
        return False
    return True


@admin.register(Outbox)
class OutboxAdmin(ReadOnly):
    """What is committed and not yet in the log: empty but for moments."""

    list_display = ["id", "type", "topic", "subject", "time"]
    ordering = ["id"]
    show_full_result_count = False


@admin.register(LogHead, Topic)
class HeadAdmin(ReadOnly):
    """Where the log and each of its topics stand."""

    show_full_result_count = False


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly):
    """How far each subscriber has come."""

    list_display = ["name", "position", "behind", "status", "failures", "retry_at", "updated_at"]
    actions = ["start"]

    @admin.display
    def behind(self, checkpoint: Checkpoint) -> int:
        """Show how many events are still before it."""
        return log.head().position - checkpoint.position

    @admin.action(description="Start the stopped subscribers again", permissions=["operate"])
    def start(self, request, queryset):
        """Let stopped subscribers go on."""
        for checkpoint in queryset:
            actions.start_subscriber(checkpoint)
        self.message_user(request, "Started. Each goes on from its checkpoint.", messages.SUCCESS)

    def has_operate_permission(self, request) -> bool:
        return request.user.has_perm("events.change_checkpoint")


@admin.register(ParkedEvent)
class ParkedEventAdmin(ReadOnly):
    """What a subscriber could not take."""

    list_display = ["position", "event_type", "subscriber", "status", "attempts", "error", "parked_at"]
    list_filter = ["status", "subscriber"]
    ordering = ["-position"]
    actions = ["retry"]

    @admin.action(description="Try the selected events again", permissions=["operate"])
    def retry(self, request, queryset):
        """Hand parked events to their subscribers once more."""
        results = [actions.retry_parked(parked) for parked in queryset]
        done, left = results.count(True), results.count(False)
        level = messages.WARNING if left else messages.SUCCESS
        self.message_user(request, f"{done} taken, {left} failed again; the reason is in the list.", level)

    def has_operate_permission(self, request) -> bool:
        return request.user.has_perm("events.change_parkedevent")


@admin.register(DeclaredType)
class DeclaredTypeAdmin(admin.ModelAdmin):
    """The types of events that clients may publish; servers know of a change within seconds."""

    list_display = ["name", "summary", "version"]
    search_fields = ["name", "summary"]
    fields = ["name", "summary", "schema", "version"]
    readonly_fields = ["version"]

    def get_readonly_fields(self, request, obj=None):
        """Keep the name, by which events in the log are known."""
        return [*self.readonly_fields, *(["name"] if obj else [])]
