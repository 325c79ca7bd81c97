"""What happens in an inbox is recorded on its owner's topic; somebody who goes takes along what they did."""

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from access.models import User
from events.actions import Fact, record, record_many
from notifications import event_types as types
from notifications import inboxes, payloads, signals

TYPES = {
    "created": types.NOTIFICATION_CREATED,
    "updated": types.NOTIFICATION_UPDATED,
    "withdrawn": types.NOTIFICATION_WITHDRAWN,
    "read": types.NOTIFICATION_READ,
}


@receiver(signals.inboxes_changed)
def record_what_changed(sender, changes, **kwargs):
    record_many(
        Fact(TYPES[each.verb], f"users.{each.row.recipient_id}", f"notifications/{each.row.pk}", data)
        for each, data in zip(changes, payloads.changes(changes), strict=True)
    )


@receiver(signals.preferences_changed)
def record_preferences_changed(sender, user, wishes, **kwargs):
    about = {"topic": f"users.{user.pk}", "subject": f"users/{user.pk}/preferences"}
    record(types.PREFERENCES_CHANGED, **about, data={"preferences": wishes})


@receiver(signals.thread_muted)
def record_thread_muted(sender, mute, **kwargs):
    _record_mute(types.THREAD_MUTED, mute)


@receiver(signals.thread_unmuted)
def record_thread_unmuted(sender, mute, **kwargs):
    _record_mute(types.THREAD_UNMUTED, mute)


def _record_mute(event_type, mute) -> None:
    subject = {"type": mute.subject_type, "id": mute.subject_id}
    about = {"topic": f"users.{mute.user_id}", "subject": f"mutes/{mute.subject_type}/{mute.subject_id}"}
    record(event_type, **about, data={"subject": subject})


@receiver(pre_delete, sender=User)
def take_back_what_they_did(sender, instance, **kwargs):
    inboxes.forget_person(instance.pk)
