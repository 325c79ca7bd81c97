"""Facts about notifications. Each is sent in the transaction that made it true, with the inbox as it is then."""

from django.dispatch import Signal

# Arguments: notification (Notification), inbox (Inbox).
notification_created = Signal()
notification_updated = Signal()
notification_withdrawn = Signal()
notification_read = Signal()
