"""The forms of the developers' pages."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from access.models import Application, User

NEVER = "0"
LIVES = [("30", "30 days"), ("7", "A week"), ("1", "A day"), ("90", "90 days"), ("365", "A year"), (NEVER, "No end")]


class KeyForm(forms.Form):
    """What a key is for, which application it belongs to, and how long it lives."""

    name = forms.CharField(
        label="Name", max_length=100, required=False, help_text="For yourself: which program has it, and where."
    )
    application = forms.ModelChoiceField(
        label="Application",
        queryset=Application.objects.none(),
        required=False,
        empty_label="None: it acts with your rights alone",
        help_text="A key of an application has your rights, and what is granted to the application.",
    )
    days = forms.ChoiceField(label="It ends after", choices=LIVES)

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        own = Application.objects.filter(owner=user).order_by("name")
        self.fields["application"].queryset = own  # type: ignore[attr-defined]
        self.fields["application"].label_from_instance = lambda each: each.name  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        """Return what the action takes."""
        name, application, days = (self.cleaned_data[each] for each in ("name", "application", "days"))
        end = None if days == NEVER else timezone.now() + timedelta(days=int(days))
        return {"name": name, "application": application, "expires_at": end}


class ApplicationForm(forms.Form):
    """What an application is called."""

    prefix = "application"
    name = forms.CharField(label="Name of the new application", max_length=100)
