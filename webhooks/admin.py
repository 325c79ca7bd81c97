"""Endpoints and deliveries, for operators."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from rest_framework.exceptions import ValidationError as InvalidField

from webhooks import actions
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.serializers.endpoints import EndpointSerializer


class EndpointForm(forms.ModelForm):
    """An endpoint, checked as the API checks it."""

    class Meta:
        model = Endpoint
        fields = ("owner", "url", "description", "event_types", "topics", "enabled")

    def clean_url(self) -> str:
        """Refuse what will never be sent to."""
        return self._check(EndpointSerializer().validate_url, "url")

    def clean_event_types(self) -> list[str]:
        """Check the patterns."""
        return self._check(EndpointSerializer().validate_event_types, "event_types")

    def clean_topics(self) -> list[str]:
        """Check the patterns."""
        return self._check(EndpointSerializer().validate_topics, "topics")

    def _check(self, check, field: str):
        try:
            return check(self.cleaned_data[field])
        except InvalidField as error:
            raise ValidationError([str(detail) for detail in error.detail]) from None


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):
    """Endpoints; their secrets are not shown here."""

    form = EndpointForm
    list_display = ["id", "url", "owner", "event_types", "enabled", "disabled_reason", "created_at"]
    list_filter = ["enabled"]
    list_select_related = ["owner"]
    search_fields = ["url", "=owner__username"]
    readonly_fields = ["disabled_reason", "created_at"]
    autocomplete_fields = ["owner"]

    def save_model(self, request, obj, form, change) -> None:
        """Make or change the endpoint by the same actions as the API."""
        fields = {name: value for name, value in form.cleaned_data.items() if name != "owner"}
        if change:
            actions.change_endpoint(obj, **fields)
        else:
            obj.pk = actions.create_endpoint(form.cleaned_data["owner"], **fields).pk

    def get_deleted_objects(self, objs, request):
        """Name the endpoints alone: their deliveries go along, however many, though none is deleted by itself."""
        return [str(each) for each in objs], {Endpoint._meta.verbose_name_plural: len(objs)}, set(), []

    def get_readonly_fields(self, request, obj=None):
        """Keep the owner of an endpoint that is there."""
        return [*self.readonly_fields, "owner"] if obj else self.readonly_fields


class AttemptInline(admin.TabularInline):
    """The tries of a delivery."""

    model = Attempt
    can_delete = False
    extra = 0
    fields = readonly_fields = ["number", "started_at", "duration_ms", "status_code", "error", "response_body"]
    ordering = ["-id"]

    def has_add_permission(self, request, obj=None):
        return False


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin):
    """Deliveries with their tries; any can be sent again."""

    list_display = ["id", "event_type", "endpoint", "status", "attempts", "last_status_code", "next_attempt_at"]
    list_filter = ["status"]
    list_select_related = ["endpoint"]
    search_fields = ["=event_id", "=event_type"]
    show_full_result_count = False
    ordering = ["-id"]
    inlines = [AttemptInline]
    actions = ["resend"]
    fields = readonly_fields = [
        "event_id",
        "event_type",
        "position",
        "endpoint",
        "status",
        "attempts",
        "last_status_code",
        "next_attempt_at",
        "lease_until",
        "created_at",
    ]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.action(description="Send the selected deliveries again", permissions=["change"])
    def resend(self, request, queryset):
        """Make them due now."""
        count = len([actions.resend(delivery) for delivery in queryset])
        self.message_user(request, f"{count} are due now.", messages.SUCCESS)
