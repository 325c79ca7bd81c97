"""What `manage.py check` says about wrong values of the webhooks' settings, and with `--deploy` about unsafe ones."""

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register

from webhooks.proxy import Proxy


@register(Tags.security, deploy=True)
def private_addresses_are_closed(app_configs, **kwargs) -> list[Warning]:
    """Name a server whose users could make it call into its own network."""
    if settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE:
        hint = "Unset TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE."
        return [Warning("Webhooks may be sent to private addresses.", hint=hint, id="webhooks.W001")]
    return []


@register()
def proxy_is_a_proxy(app_configs, **kwargs) -> list[Error]:
    """Name an egress proxy through which nothing could be sent; its URL is not shown, it may hold a password."""
    if settings.TIDEWIRE_WEBHOOKS_PROXY_URL:
        try:
            Proxy.parse(settings.TIDEWIRE_WEBHOOKS_PROXY_URL)
        except ValueError as error:
            hint = "Correct TIDEWIRE_WEBHOOKS_PROXY_URL, or unset it to send without a proxy."
            return [Error(str(error), hint=hint, id="webhooks.E002")]
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
