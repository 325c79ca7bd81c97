"""The set-up of `feeds`."""

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    """The feeds."""

    name = "feeds"
