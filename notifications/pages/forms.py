"""The form in which people say how they are told things."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from notifications.models import Channel, Notification
from notifications.pages.zones import zones
from notifications.wishes import GATHERING, KINDS

Kind = Notification.Kind

KIND_WORDS = {
    Kind.LIKE: _("Likes of your entries"),
    Kind.COMMENT: _("Comments on your entries"),
    Kind.REPLY: _("Answers to your comments"),
    Kind.MENTION: _("Mentions of you"),
    Kind.FOLLOW: _("New followers"),
    Kind.FOLLOW_REQUEST: _("Requests to follow you"),
    Kind.STATUS: _("Statuses that you asked for"),
}
CHANNEL_WORDS = {Channel.IN_APP: _("Inbox"), Channel.EMAIL: _("E-mail"), Channel.WEB_PUSH: _("Web push")}
# By minutes.
WINDOW_WORDS = {
    0: _("each time"),
    15: _("every 15 minutes"),
    60: _("every hour"),
    180: _("every 3 hours"),
    1440: _("once a day"),
    10080: _("once a week"),
}


def answers() -> list[tuple[str, Any]]:
    """Return each kind by each channel, as a box that can be ticked."""
    return [
        (f"{kind}.{channel}", format_lazy("{}: {}", KIND_WORDS[kind], CHANNEL_WORDS[channel]))
        for kind in KINDS
        for channel in CHANNEL_WORDS
    ]


def windows(minutes: int) -> list[tuple[int, Any]]:
    """Return how long a channel may gather; what was chosen by the API is one of them."""
    said = ngettext("every minute", "every %(count)d minutes", minutes) % {"count": minutes}
    return sorted(({minutes: said} | WINDOW_WORDS).items())


class Clock(forms.TimeField):
    """A time of day, to the minute."""

    def __init__(self, label: Any) -> None:
        shown = forms.TimeInput({"type": "time"}, format="%H:%M")
        super().__init__(label=label, required=False, input_formats=["%H:%M"], widget=shown)


class PreferencesForm(forms.Form):
    """What comes by which way and when, in which language, by which clock."""

    wanted = forms.MultipleChoiceField(choices=answers, required=False, widget=forms.CheckboxSelectMultiple)
    email_digest = forms.TypedChoiceField(label=_("E-mail at most"), coerce=int)
    web_push_digest = forms.TypedChoiceField(label=_("Web push at most"), coerce=int)
    quiet_from = Clock(_("Quiet from"))
    quiet_to = Clock(_("Quiet to"))
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones)

    def __init__(self, data: Any = None, *, wishes: dict[str, Any]) -> None:
        super().__init__(data, initial=_filled_in(wishes))
        for channel, minutes in wishes["digest_minutes"].items():
            self.fields[f"{channel}_digest"].choices = windows(minutes)  # type: ignore[attr-defined]

    def rows(self) -> list[tuple[Any, list[Any]]]:
        """Return the boxes of each kind, in the order of the channels."""
        boxes, width = list(self["wanted"]), len(CHANNEL_WORDS)
        return [(KIND_WORDS[kind], boxes[row * width : (row + 1) * width]) for row, kind in enumerate(KINDS)]

    def columns(self) -> list[Any]:
        """Return the names of the channels."""
        return list(CHANNEL_WORDS.values())

    def clean(self) -> dict[str, Any]:
        """Check that the quiet hours are a part of the day, or none."""
        found = super().clean() or self.cleaned_data
        if {"quiet_from", "quiet_to"} <= found.keys():
            begin, end = found["quiet_from"], found["quiet_to"]
            if begin is None and end is not None:
                self.add_error("quiet_from", _("Say when they begin, too, or leave both empty."))
            elif end is None and begin is not None:
                self.add_error("quiet_to", _("Say when they end, too, or leave both empty."))
            elif begin is not None and begin == end:
                self.add_error("quiet_to", _("The beginning and the end are the same."))
        return found

    def changes(self) -> dict[str, Any]:
        """Return what the action takes."""
        found = self.cleaned_data
        return {
            "kinds": {kind: {name: f"{kind}.{name}" in found["wanted"] for name in CHANNEL_WORDS} for kind in KINDS},
            "quiet_hours": {"from": found["quiet_from"], "to": found["quiet_to"]},
            "digest_minutes": {name: found[f"{name}_digest"] for name in GATHERING},
            "time_zone": found["time_zone"],
            "language": found["language"],
        }


def _filled_in(wishes: dict[str, Any]) -> dict[str, Any]:
    quiet = wishes["quiet_hours"] or {}
    return {
        "wanted": [f"{kind}.{name}" for kind, ways in wishes["kinds"].items() for name, is_on in ways.items() if is_on],
        "quiet_from": quiet.get("from"),
        "quiet_to": quiet.get("to"),
        "language": wishes["language"],
        "time_zone": wishes["time_zone"],
        **{f"{channel}_digest": minutes for channel, minutes in wishes["digest_minutes"].items()},
    }
