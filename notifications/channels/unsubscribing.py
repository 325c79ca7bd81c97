"""The link by which one stops e-mail without signing in (RFC 8058): signed, for one user, and good for nothing else."""

from django.conf import settings
from django.core import signing

SALT = "notifications.unsubscribe"


def link(user_id: int) -> str:
    """Return the address of one user's link."""
    return f"{settings.TIDEWIRE_SOURCE}notifications/unsubscribe/{token(user_id)}/"


def token(user_id: int) -> str:
    """Return what the link holds."""
    return signing.dumps(user_id, salt=SALT)


def user_of(token: str) -> int | None:
    """Return whose token this is, or None when it is nobody's."""
    try:
        return int(signing.loads(token, salt=SALT))
    except (signing.BadSignature, ValueError, TypeError):
        return None
