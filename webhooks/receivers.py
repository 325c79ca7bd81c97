"""What becomes of an endpoint is recorded on its owner's topic."""

from django.dispatch import receiver

from events.actions import record
from events.encoding import timestamp
from webhooks import event_types as types
from webhooks import signals


@receiver(signals.endpoint_failing)
def record_endpoint_failing(sender, endpoint, **kwargs):
    _record(types.ENDPOINT_FAILING, endpoint, failing_since=timestamp(endpoint.failing_since))


@receiver(signals.endpoint_disabled)
def record_endpoint_disabled(sender, endpoint, **kwargs):
    _record(types.ENDPOINT_DISABLED, endpoint, disabled_reason=endpoint.disabled_reason)


def _record(event_type, endpoint, **state) -> None:
    known = {"id": endpoint.pk, "url": endpoint.url, "description": endpoint.description}
    data = {"endpoint": known | state}
    record(event_type, topic=f"users.{endpoint.owner_id}", subject=f"endpoints/{endpoint.pk}", data=data)
