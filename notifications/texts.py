"""What a notification says, made in its reader's language: what is stored is who, how many and about what."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import get_language, gettext, ngettext

Details = Mapping[str, Any]
MAX_LENGTH = 300
# Above this the others are a number.
NAMED = 2


def render(kind: str, people: Sequence[Details], actor_count: int, event_count: int, details: Details) -> str:
    """Return the sentence, in the active language."""
    if "text" in details:
        return _in_language(details["text"])[:MAX_LENGTH]
    if details.get("about"):
        return _ABOUT[details["about"]](event_count, details)[:MAX_LENGTH]
    # The name that an app gave to its thing is a value, never a part of the sentence to translate.
    return (_SAYS[kind](max(1, actor_count)) % {"who": _who(people, actor_count), **details})[:MAX_LENGTH]


def _who(people: Sequence[Details], count: int) -> str:
    """Name one or two people, or one and how many others."""
    names = [each["username"] for each in people]
    if not names:
        return gettext("Somebody")
    if count <= 1:
        return names[0]
    if count == NAMED and len(names) >= NAMED:
        return gettext("%(first)s and %(second)s") % {"first": names[0], "second": names[1]}
    others = count - 1
    return ngettext("%(first)s and %(others)d other", "%(first)s and %(others)d others", others) % {
        "first": names[0],
        "others": others,
    }


def _in_language(texts: Mapping[str, str] | str) -> str:
    """Return what a person wrote, in the active language where they did so in several."""
    if isinstance(texts, str):
        return texts
    return texts.get(get_language() or "", "") or texts.get("en", "")


# Spelt out for each kind, so that every language can build its own sentence.
_SAYS: dict[str, Callable[[int], str]] = {
    "like": lambda n: ngettext("%(who)s liked your entry", "%(who)s liked your entry", n),
    "comment": lambda n: ngettext("%(who)s commented on your entry", "%(who)s commented on your entry", n),
    "reply": lambda n: ngettext("%(who)s replied to your comment", "%(who)s replied to your comment", n),
    "mention": lambda n: ngettext("%(who)s mentioned you", "%(who)s mentioned you", n),
    "follow": lambda n: ngettext("%(who)s follows %(feed)s", "%(who)s follow %(feed)s", n),
    "follow_request": lambda n: ngettext("%(who)s asks to follow %(feed)s", "%(who)s ask to follow %(feed)s", n),
    "status": lambda n: ngettext("%(who)s has a new status", "%(who)s have a new status", n),
}


def _failing(count: int, details: Details) -> str:
    return gettext("Your webhook endpoint %(url)s is failing") % details


def _disabled(count: int, details: Details) -> str:
    return gettext("Your webhook endpoint %(url)s was disabled: %(reason)s") % details


def _storm(count: int, details: Details) -> str:
    return ngettext("%(count)d more thing happened at once", "%(count)d more things happened at once", count) % {
        "count": count
    }


_ABOUT: dict[str, Callable[[int, Details], str]] = {
    "endpoint_failing": _failing,
    "endpoint_disabled": _disabled,
    "storm": _storm,
}
