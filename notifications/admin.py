"""Notifications, for operators: what is in inboxes, why, what waits to be sent, and broadcasts."""

from uuid import UUID

from django.contrib import admin, messages
from django.forms import ChoiceField
from django.utils.html import format_html
from django.utils.translation import override

from notifications import actions, broadcasts
from notifications.models import Broadcast, Decision, Dispatch, Notification, Pending, PushSubscription


class Looking(admin.ModelAdmin):
    """Rows that can be looked at."""

    show_full_result_count = False
    ordering = ["-id"]

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Notification)
class NotificationAdmin(Looking):
    """What is in inboxes."""

    list_display = ["id", "recipient", "kind", "text", "actor_count", "created_at", "read_at", "archived_at"]
    list_filter = ["kind"]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__username"]


@admin.register(Decision)
class DecisionAdmin(Looking):
    """Why somebody got something, or did not: search by who, or by the event's id."""

    list_display = ["at", "recipient", "kind", "channel", "outcome", "reason", "detail", "source_event"]
    list_filter = ["channel", "outcome", "reason"]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__username", "=source_event"]
    search_help_text = "A user's name, or an event's id."

    def get_search_results(self, request, queryset, search_term):
        """Search by an event's id only for what is one, so that the indexes answer."""
        try:
            return queryset.filter(source_event=UUID(search_term.strip())), False
        except ValueError:
            names = queryset.filter(recipient__username=search_term.strip()) if search_term.strip() else queryset
            return names, False


class PendingInline(admin.TabularInline):
    """What waits for a message."""

    model = Pending
    extra = 0
    fields = readonly_fields = ["notification", "source_event", "added_at"]
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Dispatch)
class DispatchAdmin(Looking):
    """What waits to be sent by which channel, and what stands in its way."""

    list_display = ["recipient", "channel", "due_at", "attempts", "error", "number", "last_sent_at", "lease_until"]
    list_filter = ["channel"]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__username"]
    inlines = [PendingInline]


@admin.register(PushSubscription)
class PushSubscriptionAdmin(Looking):
    """Browsers that show web push; their keys are nobody's to see."""

    list_display = ["user", "created_at", "taken_number"]
    list_select_related = ["user"]
    search_fields = ["=user__username"]
    fields = ["user", "created_at", "taken_number"]


@admin.register(Broadcast)
class BroadcastAdmin(admin.ModelAdmin):
    """Write, look at how it reads and how many it reaches, then send it or cancel it."""

    list_display = ["text", "audience", "status", "due_at", "told_count", "created_by", "finished_at"]
    list_filter = ["status"]
    list_select_related = ["created_by"]
    show_full_result_count = False
    ordering = ["-id"]
    fields = ["text", "text_de", "url", "audience", "due_at", "preview", "reach", "status", "told_count"]
    readonly_fields = ["preview", "reach", "status", "told_count"]
    actions = ["send", "cancel"]

    def get_queryset(self, request):
        """Leave out what was not written by staff."""
        return super().get_queryset(request).filter(notice={})

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Offer the audiences."""
        if db_field.name == "audience":
            return ChoiceField(choices=Broadcast.Audience.choices)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_change_permission(self, request, obj=None):
        """Let a draft alone be changed; what was sent stays as it was read."""
        is_draft = obj is None or obj.status == Broadcast.Status.DRAFT
        return is_draft and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return obj is not None and obj.status == Broadcast.Status.DRAFT and super().has_delete_permission(request, obj)

    def has_send_permission(self, request) -> bool:
        return request.user.has_perm("notifications.send_broadcast")

    def save_model(self, request, obj, form, change):
        """Note who wrote it."""
        obj.created_by = obj.created_by or request.user
        super().save_model(request, obj, form, change)

    @admin.display(description="How it reads")
    def preview(self, obj):
        """Show the text in each language, with its link."""
        if obj.pk is None:
            return "Save it first."
        told, texts = Notification(kind="notice", details=broadcasts.notice_of(obj, 0).details), []
        for language in ("en", "de"):
            with override(language):
                texts.append(told.text)
        return format_html('<a href="{}">{}</a><br><a href="{}">{}</a>', obj.url, texts[0], obj.url, texts[1])

    @admin.display(description="How many it reaches now")
    def reach(self, obj):
        """Count the audience."""
        return "Save it first." if obj.pk is None else broadcasts.count(obj.audience)

    @admin.action(description="Send the selected drafts, when they are due or now", permissions=["send"])
    def send(self, request, queryset):
        """Schedule them."""
        count = sum(actions.schedule_broadcast(row) for row in queryset)
        self.message_user(request, f"{count} scheduled.", messages.SUCCESS)

    @admin.action(description="Cancel the selected broadcasts, and take them back", permissions=["send"])
    def cancel(self, request, queryset):
        """Cancel them."""
        count = sum(actions.cancel_broadcast(row) for row in queryset)
        self.message_user(request, f"{count} cancelled.", messages.SUCCESS)
