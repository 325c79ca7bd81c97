"""The set-up of `feeds`."""

from django.apps import AppConfig
from django.apps import apps as every_app
from django.db.models.signals import post_migrate

# What moderators may do; more can be given to the group, or to a user, in the admin.
MODERATORS = "Moderators"
PERMISSIONS = ("feeds.moderate", "feeds.view_report", "feeds.view_entry", "feeds.view_comment", "access.suspend_user")


class FeedsConfig(AppConfig):
    """The feeds."""

    name = "feeds"

    def ready(self) -> None:
        """Have the moderators' group made once their permissions are there."""
        post_migrate.connect(make_moderators, sender=self)


def make_moderators(sender, using, apps=every_app, **kwargs) -> None:
    """Make the moderators' group; one that is there stays as operators have changed it."""
    try:
        group_model, permission_model = apps.get_model("auth.Group"), apps.get_model("auth.Permission")
    except LookupError:
        return
    group, is_new = group_model.objects.using(using).get_or_create(name=MODERATORS)
    if is_new:
        rows = permission_model.objects.using(using)
        for app_label, codename in (name.split(".") for name in PERMISSIONS):
            group.permissions.add(*rows.filter(content_type__app_label=app_label, codename=codename))
