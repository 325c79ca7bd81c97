"""What `manage.py check --deploy` says about unsafe values of the core's settings."""

from django.conf import settings
from django.core.checks import Tags, Warning, register


@register(Tags.security, deploy=True)
def source_is_public(app_configs, **kwargs) -> list[Warning]:
    """Name a `source` that no receiver could tell from another server's."""
    if not settings.TIDEWIRE_SOURCE.startswith("https://"):
        hint = "Set TIDEWIRE_SOURCE to the public https address of this server."
        return [Warning(f"Events say they come from {settings.TIDEWIRE_SOURCE}.", hint=hint, id="events.W001")]
    return []


@register(Tags.security, deploy=True)
def limits_are_on(app_configs, **kwargs) -> list[Warning]:
    """Name request limits that are switched off."""
    if not any(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].values()):
        return [Warning("Request limits are off.", hint="Unset TIDEWIRE_LIMITS.", id="events.W002")]
    return []
