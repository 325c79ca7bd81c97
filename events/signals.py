"""Facts of the core itself that other apps may listen to."""

from django.dispatch import Signal

# A subscriber has stopped after several parked events in a row. Arguments: name (str), position (int).
subscriber_stopped = Signal()
