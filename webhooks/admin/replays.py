"""Replays, for operators."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from webhooks import actions
from webhooks.admin.bounds import AT_ONCE, ReadOnly
from webhooks.models import Replay


@admin.register(Replay)
class ReplayAdmin(ReadOnly):
    """Replays with their progress; one that runs can be cancelled."""

    list_display = ["id", "endpoint", "only", "status", "percent", "made", "requested_by", "created_at", "finished_at"]
    list_filter = ["status"]
    list_select_related = ["endpoint", "requested_by"]
    actions = ["cancel"]
    fields = readonly_fields = [
        *("endpoint", "only", "status", "percent", "made", "error", "after", "upto", "position"),
        *("requested_by", "created_at", "finished_at"),
    ]

    @admin.display(description="progress")
    def percent(self, replay: Replay) -> str:
        """Say how far it has come."""
        return f"{replay.progress:.0%}"

    @admin.action(description="Cancel the selected replays that are running", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet) -> None:
        """End them where they stand; what they have made stays."""
        count = sum(self._cancel(replay) for replay in queryset[:AT_ONCE])
        self.message_user(request, f"{count} are cancelled; what they have made stays.", messages.SUCCESS)

    def _cancel(self, replay: Replay) -> bool:
        try:
            actions.cancel_replay(replay)
        except actions.NotPossible:
            return False
        return True
