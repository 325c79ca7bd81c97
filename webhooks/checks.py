"""What `manage.py check` says about values of the webhooks with which they would not be sent as promised."""

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def private_addresses_are_closed(app_configs, **kwargs) -> list[Warning]:
    """Name a server whose users could make it call into its own network."""
    if settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE:
        hint = "Unset TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE."
        return [Warning("Webhooks may be sent to private addresses.", hint=hint, id="webhooks.W001")]
    return []


@register()
def leases_outlive_tries(app_configs, **kwargs) -> list[Error]:
    """Refuse a lease that ends while its try may still be under way: another sender would send it too."""
    lease, deadline = settings.TIDEWIRE_WEBHOOKS_LEASE_SECONDS, settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS
    if lease <= deadline:
        hint = f"Set TIDEWIRE_WEBHOOKS_LEASE_SECONDS to {2 * deadline} or more."
        return [
            Error(f"A delivery's lease ({lease} s) must outlive its try ({deadline} s).", hint=hint, id="webhooks.E001")
        ]
    return []
