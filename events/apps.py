"""The core's set-up: finds what the apps declare, and keeps the rows there that everything counts on."""

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class EventsConfig(AppConfig):
    """The event core."""

    name = "events"

    def ready(self) -> None:
        """Load every app's declarations, by the names of their modules: the core imports no other app."""
        from events import (
            catalogue,
            checks,  # noqa: F401  registers itself
            declared,
        )

        catalogue.other_types(declared.find, declared.every)
        autodiscover_modules("event_types", "receivers", "subscribers")
        post_migrate.connect(_prepare_rows, sender=self)


def _prepare_rows(using: str, **kwargs) -> None:
    """Make the head and the checkpoints after every migrate, and after a test has emptied the tables."""
    from events import subscribers
    from events.cursor import new_epoch
    from events.models import LogHead

    if LogHead._meta.db_table not in connections[using].introspection.table_names():
        return  # another app was migrated alone, before this one
    LogHead.objects.using(using).get_or_create(pk=1, defaults={"epoch": new_epoch(), "identity": ""})
    subscribers.ensure_checkpoints()
