"""The set-up of `webhooks`."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from webhooks import addresses


class WebhooksConfig(AppConfig):
    """Outbound webhooks."""

    name = "webhooks"

    def ready(self) -> None:
        """Register the checks, tell retention what is still to be sent, and close what is to be closed."""
        from events.catalogue import keep_log_for
        from webhooks import checks  # noqa: F401  registers itself
        from webhooks.models import Delivery, Replay

        keep_log_for(Delivery.objects.lowest_pending_position)
        keep_log_for(Replay.objects.lowest_needed_position)
        close_networks()


def close_networks() -> None:
    """Close the networks that the settings name, or stop: a wrong name must not leave one open."""
    try:
        addresses.close(settings.TIDEWIRE_WEBHOOKS_REFUSED_NETWORKS)
    except ValueError as error:
        raise ImproperlyConfigured(f"TIDEWIRE_WEBHOOKS_REFUSED_NETWORKS holds no network: {error}.") from None
