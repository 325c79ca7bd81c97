"""What happens in an inbox is recorded on its owner's topic."""

from django.dispatch import receiver

from events.actions import record
from notifications import event_types as types
from notifications import payloads, signals


def _record(event_type, notification, inbox) -> None:
    record(
        event_type,
        topic=f"users.{notification.recipient_id}",
        subject=f"notifications/{notification.pk}",
        data=payloads.change(notification, inbox),
    )


@receiver(signals.notification_created)
def record_notification_created(sender, notification, inbox, **kwargs):
    _record(types.NOTIFICATION_CREATED, notification, inbox)


@receiver(signals.notification_updated)
def record_notification_updated(sender, notification, inbox, **kwargs):
    _record(types.NOTIFICATION_UPDATED, notification, inbox)


@receiver(signals.notification_withdrawn)
def record_notification_withdrawn(sender, notification, inbox, **kwargs):
    _record(types.NOTIFICATION_WITHDRAWN, notification, inbox)


@receiver(signals.notification_read)
def record_notification_read(sender, notification, inbox, **kwargs):
    _record(types.NOTIFICATION_READ, notification, inbox)
