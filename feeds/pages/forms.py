"""What people fill in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feeds.models import Entry, Report, words
from feeds.models.comment import TEXT_MAX_LENGTH as COMMENT_MAX_LENGTH
from feeds.models.entry import TEXT_MAX_LENGTH as ENTRY_MAX_LENGTH
from feeds.models.report import TEXT_MAX_LENGTH as REPORT_MAX_LENGTH

VISIBILITIES = {Entry.Visibility.PUBLIC: _("Everyone"), Entry.Visibility.FOLLOWERS: _("Followers only")}
REASONS = {
    Report.Reason.SPAM: _("It is spam"),
    Report.Reason.ABUSE: _("It is abuse or harassment"),
    Report.Reason.ILLEGAL: _("It is against the law"),
    Report.Reason.IMPERSONATION: _("Somebody pretends to be somebody else"),
    Report.Reason.OTHER: _("Something else"),
}


class TextField(forms.CharField):
    """A text of several lines, whose line ends are those that the API has, whichever way it came in."""

    def __init__(self, rows: int, **options: Any) -> None:
        super().__init__(widget=forms.Textarea({"rows": rows, "dir": "auto"}), **options)

    def to_python(self, value: Any) -> str:
        """Turn the line ends that forms send into plain ones."""
        return super().to_python(value).replace("\r\n", "\n")


class EntryForm(forms.Form):
    """What is to be published, and for whom."""

    text = TextField(3, label=_("New entry"), max_length=ENTRY_MAX_LENGTH)
    visibility = forms.ChoiceField(label=_("Who may read it"), choices=list(VISIBILITIES.items()), required=False)
    kind = forms.ChoiceField(choices=Entry.Kind.choices, required=False, widget=forms.HiddenInput)


class CommentForm(forms.Form):
    """What is said about an entry, or in answer to a comment."""

    text = TextField(2, label=_("Your comment"), max_length=COMMENT_MAX_LENGTH)
    parent = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False, widget=forms.HiddenInput)


class SearchForm(forms.Form):
    """What is looked for."""

    q = forms.CharField(
        label=_("Words"), max_length=words.TEXT_MAX_LENGTH, widget=forms.TextInput({"type": "search", "dir": "auto"})
    )


class EditForm(forms.Form):
    """Another text for what was said, by who has seen the last one."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, max_length: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["text"] = TextField(4, label=_("Text"), max_length=max_length)


class ReportForm(forms.Form):
    """What is wrong, and why."""

    reason = forms.ChoiceField(
        label=_("What is wrong with it?"), choices=list(REASONS.items()), widget=forms.RadioSelect
    )
    text = TextField(3, label=_("What should the moderators know?"), max_length=REPORT_MAX_LENGTH, required=False)
