"""Users and their keys, for operators."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin

from access.models import ApiKey, User

admin.site.register(User, UserAdmin)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """Keys can be seen and revoked; their text is nowhere."""

    list_display = ["hint", "user", "name", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["revoked_at"]
    list_select_related = ["user"]
    search_fields = ["=hint", "=user__username"]
    fields = readonly_fields = ["user", "name", "hint", "created_at", "last_used_at", "expires_at", "revoked_at"]
    actions = ["revoke"]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False  # revoked keys stay, as a record

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request, queryset):
        """End the keys now."""
        self.message_user(request, f"{queryset.revoke()} revoked.", messages.SUCCESS)
