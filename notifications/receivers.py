"""What happens in an inbox is recorded on its owner's topic; somebody who goes takes along what they did."""

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from access.models import User
from events.actions import Fact, record_many
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


@receiver(pre_delete, sender=User)
def take_back_what_they_did(sender, instance, **kwargs):
    inboxes.forget_person(instance.pk)
