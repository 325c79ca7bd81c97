"""What `manage.py check --deploy` says about unsafe values of the webhooks."""

from django.conf import settings
from django.core.checks import Tags, Warning, register


@register(Tags.security, deploy=True)
def private_addresses_are_closed(app_configs, **kwargs) -> list[Warning]:
    """Name a server whose users could make it call into its own network."""
    if settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE:
        hint = "Unset TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE."
        return [Warning("Webhooks may be sent to private addresses.", hint=hint, id="webhooks.W001")]
    return []
