"""Notifications, for operators."""

from django.contrib import admin

from notifications.models import Notification


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    """Notifications can be looked at."""

    list_display = ["id", "recipient", "kind", "text", "event_count", "created_at", "read_at", "archived_at"]
    list_filter = ["kind"]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__username"]
    show_full_result_count = False
    ordering = ["-id"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
