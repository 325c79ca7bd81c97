"""What one user wishes, whole: defaults spelt out, and replaced in one piece."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from access.models import User
from notifications import signals
from notifications.models import Channel, Habit, Notification, Preference
from notifications.policy import DEFAULTS, preferences

KINDS = [kind for kind in Notification.Kind.values if kind != Notification.Kind.NOTICE]
GATHERING = [Channel.EMAIL, Channel.WEB_PUSH]


def of(user: User) -> dict[str, Any]:
    """Return all that the user wishes."""
    said, habit = preferences([user.pk]), Habit.objects.filter(pk=user.pk).first() or Habit(user=user)
    quiet = habit.quiet_from and {"from": f"{habit.quiet_from:%H:%M}", "to": f"{habit.quiet_to:%H:%M}"}
    return {
        "kinds": {
            kind: {name: said.get((user.pk, kind, name), DEFAULTS[kind, name]) for name in Channel.values}
            for kind in KINDS
        },
        "quiet_hours": quiet,
        "digest_minutes": {str(channel): habit.digest_minutes(channel) for channel in GATHERING},
        "time_zone": user.time_zone,
        "language": user.language,
        "version": habit.version,
    }


@transaction.atomic
def replace(user: User, wishes: Mapping[str, Any]) -> dict[str, Any]:
    """Replace all that the user wishes; what is left out becomes the default."""
    # Two at once take turns: the later one is whole.
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    Preference.objects.filter(user=user).delete()
    Preference.objects.bulk_create(_preferences(user, wishes.get("kinds", {})))
    quiet, digest = wishes.get("quiet_hours") or {}, wishes.get("digest_minutes", {})
    gathering = {f"{name}_digest_minutes": minutes for name, minutes in digest.items()}
    version = (Habit.objects.filter(pk=user.pk).values_list("version", flat=True).first() or 0) + 1
    Habit(user=user, quiet_from=quiet.get("from"), quiet_to=quiet.get("to"), version=version, **gathering).save()
    user.time_zone = wishes.get("time_zone", "UTC")
    user.language = wishes.get("language", settings.LANGUAGE_CODE)
    user.save(update_fields=["time_zone", "language"])
    return _told(user)


def _told(user: User) -> dict[str, Any]:
    found = of(user)
    signals.preferences_changed.send(Habit, user=user, wishes=found)
    return found


def _preferences(user: User, kinds: Mapping[str, Mapping[str, bool]]) -> list[Preference]:
    """Return rows for what is not the default; a default that is changed later reaches who said nothing."""
    return [
        Preference(user=user, kind=kind, channel=channel, is_on=is_on)
        for kind, channels in kinds.items()
        for channel, is_on in channels.items()
        if is_on != DEFAULTS[kind, channel]
    ]


@transaction.atomic
def turn_off(user_id: int, channel: str) -> None:
    """Let no kind come by a channel any more, but for notices, which always come."""
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    rows = [Preference(user_id=user_id, kind=kind, channel=channel, is_on=False) for kind in KINDS]
    Preference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind", "channel"], update_fields=["is_on"]
    )
    Habit.objects.get_or_create(user=user)
    Habit.objects.filter(user=user).update(version=F("version") + 1)
    _told(user)
