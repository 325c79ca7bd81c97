"""Facts about notifications. Each is sent in the transaction that made it true."""

from django.dispatch import Signal

# Arguments: changes (list[Change]): what happened in inboxes, each inbox's in the order of its versions.
inboxes_changed = Signal()
