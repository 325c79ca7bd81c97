"""The portal's forms. What the API refuses is refused here, by the same serializers, beside the same fields."""

import json
from collections.abc import Iterator
from typing import Any

from django import forms
from rest_framework.serializers import Serializer

from webhooks.models import Endpoint, Replay
from webhooks.serializers.endpoints import EndpointSerializer, NewEndpointSerializer
from webhooks.serializers.replays import ReplaySerializer

OVERLAPS = [(24, "A day"), (1, "An hour"), (72, "Three days"), (168, "A week"), (0, "Not at all: it has become known")]


class LinesField(forms.CharField):
    """Several texts, one on a line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """Return the lines that are not empty."""
        return [line.strip() for line in super().to_python(value).splitlines() if line.strip()]


class HeadersField(LinesField):
    """Headers as they are written: `Name: value` on each line."""

    def prepare_value(self, value: Any) -> Any:
        """Show headers as lines."""
        return "\n".join(f"{name}: {each}" for name, each in value.items()) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> dict[str, str]:  # type: ignore[override]
        """Return the values by name."""
        found: dict[str, str] = {}
        for line in super().to_python(value):
            name, colon, text = line.partition(":")
            if not colon:
                raise forms.ValidationError(f"{line[:50]!r} is not a header: write Name: value.")
            if name.strip() in found:
                raise forms.ValidationError(f"{name.strip()[:50]!r} is there twice.")
            found[name.strip()] = text.strip()
        return found


class ObjectField(forms.CharField):
    """An object of JSON; left empty it is an empty one."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """Show an object as one writes it."""
        if isinstance(value, dict):
            return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
        return value

    def to_python(self, value: Any) -> Any:
        """Return what the text means."""
        text = super().to_python(value).strip()
        try:
            return json.loads(text) if text else {}
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from None


def _area(rows: int, example: str = "") -> forms.Textarea:
    return forms.Textarea({"rows": rows, "placeholder": example, "spellcheck": "false", "class": "code"})


class EndpointForm(forms.Form):
    """An endpoint: where, which events, and how they are sent."""

    url = forms.CharField(
        label="URL",
        max_length=2000,
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "off", "class": "code"}),
        help_text="Events are sent there by POST, each signed.",
    )
    description = forms.CharField(
        label="Description", max_length=500, required=False, help_text="For yourself: whose server it is, and what for."
    )
    event_types = LinesField(
        label="Event types",
        required=False,
        widget=_area(3, "feeds.entry.*"),
        help_text="One on each line: a type, a prefix ending in .*, or * for all. Empty means all.",
    )
    topics = LinesField(
        label="Topics",
        required=False,
        widget=_area(2, "feeds.42"),
        help_text="One on each line: a topic, a prefix ending in .*, or * for all that you may read. Empty means all.",
    )
    filter = ObjectField(
        label="Filter",
        required=False,
        widget=_area(3, '{"entry.like_count": {"gte": 10}}'),
        help_text="What the event's data must hold, as JSON. Empty lets everything through.",
    )
    headers = HeadersField(
        label="Headers of your own",
        required=False,
        widget=_area(2, "Authorization: Bearer …"),
        help_text="One on each line, sent along with each event. Values are kept encrypted and not shown again; "
        "leave one as it stands to keep it.",
    )
    content_type = forms.ChoiceField(
        label="Content type", choices=[(each.value, each.value) for each in Endpoint.ContentType]
    )
    signature = forms.ChoiceField(label="Signature", choices=Endpoint.Signature.choices)
    ordering = forms.ChoiceField(
        label="Order", choices=[(each.value, each.label.capitalize()) for each in Endpoint.Ordering]
    )
    rate_per_second = forms.IntegerField(
        label="At most so many attempts a second", required=False, help_text="Empty means as fast as the server may."
    )
    max_in_flight = forms.IntegerField(
        label="At most so many at once", required=False, help_text="Empty means as many as the server may."
    )

    ADVANCED = ("filter", "headers", "content_type", "signature", "ordering", "rate_per_second", "max_in_flight")

    def __init__(self, data: Any = None, *, endpoint: Endpoint | None = None) -> None:
        self.endpoint = endpoint
        super().__init__(data, initial=EndpointSerializer(endpoint).data if endpoint else None)

    def plain(self) -> Iterator[forms.BoundField]:
        """Yield the fields that everyone fills in."""
        return (field for field in self if field.name not in self.ADVANCED)

    def advanced(self) -> Iterator[forms.BoundField]:
        """Yield the others."""
        return (field for field in self if field.name in self.ADVANCED)

    @property
    def opens_advanced(self) -> bool:
        """Say whether something stands or is wrong in the other fields."""
        return any(field.errors for field in self.advanced()) or (
            self.endpoint is not None and any(bool(self.initial.get(name)) for name in ("filter", "headers"))
        )

    def clean(self) -> dict[str, Any]:
        """Check it as the API does, with all that is wrong told at once; `changes` is then what the actions take."""
        given = dict(self.cleaned_data)
        given |= {name: given[name] or ["*"] for name in ("event_types", "topics") if name in given}
        serializer = (
            EndpointSerializer(self.endpoint, data=given, partial=True)
            if self.endpoint
            else NewEndpointSerializer(data=given, partial=bool(self.errors))
        )
        if serializer.is_valid():
            self.changes = serializer.validated_data
        else:
            add_errors(self, serializer)
        return self.cleaned_data


def add_errors(form: forms.Form, serializer: Serializer) -> None:
    """Put what a serializer found wrong beside the fields of the same names."""
    for name, errors in serializer.errors.items():
        form.add_error(name if name in form.fields else None, list(sentences(errors)))


def sentences(errors: Any) -> Iterator[str]:
    """Yield the sentences of an error, however deep in the field's value they are."""
    if isinstance(errors, dict):
        errors = errors.values()
    elif not isinstance(errors, list):
        yield str(errors)
        return
    for each in errors:
        yield from sentences(each)


class RotationForm(forms.Form):
    """For how long the old key still signs, beside the new one."""

    overlap_hours = forms.TypedChoiceField(label="The old one signs on for", choices=OVERLAPS, coerce=int)


class ReplayForm(forms.Form):
    """What is to be sent anew."""

    only = forms.ChoiceField(
        label="Send anew", choices=[(key, label.capitalize()) for key, label in Replay.Only.choices]
    )
    since = forms.DateTimeField(
        label="From (UTC)",
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
    )
    after = forms.CharField(
        label="Or after this cursor", required=False, max_length=100, widget=forms.TextInput({"class": "code"})
    )

    def clean(self) -> dict[str, Any]:
        """Check it as the API does; `changes` is then what is to be replayed, and from which position on."""
        found = super().clean() or self.cleaned_data
        if self.errors:
            return found
        serializer = ReplaySerializer(data={name: value for name, value in found.items() if value})
        if serializer.is_valid():
            self.changes = serializer.validated_data
        elif "non_field_errors" in serializer.errors:
            # In the words of the form.
            self.add_error(None, "Give a moment or a cursor, one of both.")
        else:
            add_errors(self, serializer)
        return found
