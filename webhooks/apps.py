"""The set-up of `webhooks`."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Outbound webhooks."""

    name = "webhooks"

    def ready(self) -> None:
        """Register the checks, and tell retention what is still to be sent."""
        from events.catalogue import keep_log_for
        from webhooks import checks  # noqa: F401  registers itself
        from webhooks.models import Delivery, Replay

        keep_log_for(Delivery.objects.lowest_pending_position)
        keep_log_for(Replay.objects.lowest_needed_position)
