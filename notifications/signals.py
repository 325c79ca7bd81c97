"""Facts about notifications. Each is sent in the transaction that made it true."""

from django.dispatch import Signal

# Arguments: changes (list[Change]): what happened in inboxes, each inbox's in the order of its versions.
inboxes_changed = Signal()

# Arguments: user (User), wishes (dict): all that the user prefers now.
preferences_changed = Signal()

# Arguments: mute (ThreadMute).
thread_muted = Signal()
thread_unmuted = Signal()
