"""Endpoints, for operators."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from webhooks import actions
from webhooks.models import Endpoint
from webhooks.pages.forms import sentences
from webhooks.pages.states import state_of
from webhooks.serializers.endpoints import EndpointSerializer

SETTINGS = (
    *("url", "description", "event_types", "topics", "content_filter", "content_type", "signature", "ordering"),
    *("rate_per_second", "max_in_flight", "enabled"),
)


class EndpointForm(forms.ModelForm):
    """An endpoint, checked as the API checks it; its own headers are its owner's alone."""

    class Meta:
        model = Endpoint
        fields = ("owner", *SETTINGS)

    def clean(self) -> dict[str, Any]:
        """Refuse what the API refuses, beside the fields; `changes` is then what the actions take."""
        found = super().clean() or self.cleaned_data
        given = {name: value for name, value in found.items() if name in SETTINGS}
        if "content_filter" in given:
            given["filter"] = given.pop("content_filter") or {}
        serializer = EndpointSerializer(self.instance if self.instance.pk else None, data=given, partial=True)
        if not serializer.is_valid():
            for name, errors in serializer.errors.items():
                self.add_error({"filter": "content_filter"}.get(name, name), list(sentences(errors)))
        self.changes = serializer.validated_data
        return found


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):
    """Endpoints; neither their secrets nor their own headers are shown here."""

    form = EndpointForm
    list_display = ["id", "url", "owner", "state", "disabled_reason", "failing_since", "postponed_until", "deliveries"]
    list_filter = ["enabled"]
    list_select_related = ["owner"]
    search_fields = ["url", "=owner__username"]
    readonly_fields = [
        *("state", "disabled_reason", "failing_since", "failures_in_row", "postponed_until"),
        *("created_at", "deliveries"),
    ]
    autocomplete_fields = ["owner"]
    show_full_result_count = False
    actions = ["pause", "switch_on", "rotate"]

    @admin.display
    def state(self, endpoint: Endpoint) -> str:
        """Say how it is, in a word."""
        return state_of(endpoint) if endpoint.pk else ""

    @admin.display
    def deliveries(self, endpoint: Endpoint) -> str:
        """Lead to its deliveries."""
        if not endpoint.pk:
            return ""
        path = reverse("admin:webhooks_delivery_changelist")
        return format_html('<a href="{}?endpoint={}">Deliveries</a>', path, endpoint.pk)

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        """Make or change the endpoint by the same actions as the API."""
        if change:
            # What stands as it was is not said again: to say that it is on would end what is known of its failures.
            changes = {name: value for name, value in form.changes.items() if name in form.changed_data}
            actions.change_endpoint(obj, **changes)
        else:
            obj.pk = actions.create_endpoint(form.cleaned_data["owner"], **form.changes).pk

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show and take the form; what only the action finds wrong is told above it."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            request.method = "GET"
            return super().changeform_view(request, *args, **kwargs)

    def get_deleted_objects(self, objs, request):
        """Name the endpoints alone: their deliveries go along, however many, though none is deleted by itself."""
        return [str(each) for each in objs], {Endpoint._meta.verbose_name_plural: len(objs)}, set(), []

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> list[str]:
        """Keep the owner of an endpoint that is there."""
        return [*self.readonly_fields, "owner"] if obj else self.readonly_fields

    @admin.action(description="Pause the selected endpoints", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: Any) -> None:
        """Send nothing to them for the time being."""
        self._change(request, queryset, "paused: what is to be sent waits", enabled=False)

    @admin.action(description="Resume the selected endpoints, or switch them on again", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: Any) -> None:
        """Send to them again, whyever they were off."""
        self._change(request, queryset, "on", enabled=True)

    def _change(self, request: HttpRequest, queryset: Any, words: str, **fields: Any) -> None:
        count = len([actions.change_endpoint(endpoint, **fields) for endpoint in queryset])
        self.message_user(request, f"{count} {words}.", messages.SUCCESS)

    @admin.action(description="Rotate the keys of the selected endpoints", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: Any) -> None:
        """Give them new keys, which their owners find on their pages."""
        count = len([actions.rotate_secret(endpoint) for endpoint in queryset])
        words = f"{count} rotated. The old keys sign on for a day; the owners find the new ones on their pages."
        self.message_user(request, words, messages.SUCCESS)
