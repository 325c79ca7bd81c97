"""What `manage.py check --deploy` says about unsafe values of who may come in."""

from django.conf import settings
from django.core.checks import Tags, Warning, register


@register(Tags.security, deploy=True)
def secret_key_is_long(app_configs, **kwargs) -> list[Warning]:
    """Name a secret key from which other keys could not be derived safely."""
    if len(settings.SECRET_KEY) < 50:
        return [Warning("SECRET_KEY is short.", hint="Use 50 or more random characters.", id="access.W001")]
    return []
