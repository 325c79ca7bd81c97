"""Facts of webhooks that other modules may listen to."""

from django.dispatch import Signal

# An endpoint has failed for half the time after which it is switched off. Arguments: endpoint.
endpoint_failing = Signal()

# An endpoint was switched off by the server, `disabled_reason` says why. Arguments: endpoint.
endpoint_disabled = Signal()
