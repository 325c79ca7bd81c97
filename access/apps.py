"""The set-up of `access`."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Users, keys and sign-in."""

    name = "access"

    def ready(self) -> None:
        """Register the checks."""
        from access import checks  # noqa: F401  registers itself
