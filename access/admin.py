"""Users and their keys, for operators."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from access.models import ApiKey, User


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Users, with all that belongs to them."""

    def changeform_view(self, request, *args, **kwargs):
        """Show and take the form; who loses a race for a name finds it taken when the form is checked again."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (IntegrityError, ValidationError):
            return super().changeform_view(request, *args, **kwargs)


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

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request, queryset):
        """End the keys now."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} revoked.", messages.SUCCESS)
