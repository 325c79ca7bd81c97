"""Users, their applications and keys, and what is granted, for operators."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError

from access import actions as users
from access.models import ApiKey, Application, Grant, User


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Users, with all that belongs to them; a suspended one may read and not write."""

    actions = ["suspend", "end_suspension"]
    fieldsets = (*UserAdmin.fieldsets, ("How it is told", {"fields": ("time_zone", "language")}))

    def has_suspend_permission(self, request) -> bool:
        return request.user.has_perm("access.suspend_user")

    @admin.action(description="Suspend the selected users", permissions=["suspend"])
    def suspend(self, request, queryset):
        """Let them only read, until that is ended; who may not be suspended is named."""
        done = 0
        for user in queryset.order_by("pk"):
            try:
                users.suspend(user, by=request.user, reason="By decision of a moderator.")
                done += 1
            except (PermissionDenied, ValidationError) as error:
                self.message_user(
                    request, f"{user}: {' '.join(getattr(error, 'messages', error.args))}", messages.ERROR
                )
        self.message_user(request, f"{done} suspended.", messages.SUCCESS)

    @admin.action(description="Let the selected users write again", permissions=["suspend"])
    def end_suspension(self, request, queryset):
        """End their suspensions."""
        for user in queryset.order_by("pk"):
            user.end_suspension()
        self.message_user(request, "They may write.", messages.SUCCESS)

    def changeform_view(self, request, *args, **kwargs):
        """Show and take the form; who loses a race for a name finds it taken when the form is checked again."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (IntegrityError, ValidationError):
            return super().changeform_view(request, *args, **kwargs)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """Keys can be seen and revoked; their text is nowhere."""

    list_display = ["hint", "user", "application", "name", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["revoked_at"]
    list_select_related = ["user", "application__owner"]
    search_fields = ["=hint", "=user__username"]
    fields = readonly_fields = [
        *("user", "application", "name", "hint"),
        *("created_at", "last_used_at", "expires_at", "revoked_at"),
    ]
    actions = ["revoke"]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False  # revoked keys stay, as a record

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request, queryset):
        """End the keys now."""
        self.message_user(request, f"{queryset.revoke()} revoked.", messages.SUCCESS)


@admin.register(Application)
class ApplicationAdmin(admin.ModelAdmin):
    """Applications; with one go its keys and grants."""

    list_display = ["name", "owner", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["name", "=owner__username"]
    autocomplete_fields = ["owner"]
    readonly_fields = ["created_at"]

    def get_readonly_fields(self, request, obj=None):
        """Keep an application with its owner, whose keys it has."""
        return [*self.readonly_fields, *(["owner"] if obj else [])]

    def get_deleted_objects(self, objs, request):
        """Let what belongs to an application go with it, though keys and grants are not deleted by themselves."""
        found, counts, _, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected


@admin.register(Grant)
class GrantAdmin(admin.ModelAdmin):
    """Rights on topics of no declared kind: given and ended here, never changed."""

    list_display = ["topic", "right", "user", "application", "granted_by", "created_at", "expires_at", "revoked_at"]
    list_filter = ["right"]
    list_select_related = ["user", "application__owner", "granted_by"]
    search_fields = ["topic", "=user__username", "application__name"]
    autocomplete_fields = ["user", "application"]
    fields = ["user", "application", "topic", "right", "expires_at"]
    actions = ["revoke"]

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False  # ended grants stay, as a record

    def has_revoke_permission(self, request) -> bool:
        return request.user.has_perm("access.change_grant")

    def save_model(self, request, obj, form, change):
        """Note who gives the right."""
        obj.granted_by = request.user
        super().save_model(request, obj, form, change)

    @admin.action(description="Revoke the selected grants", permissions=["revoke"])
    def revoke(self, request, queryset):
        """End the grants now."""
        self.message_user(request, f"{queryset.revoke()} revoked.", messages.SUCCESS)
