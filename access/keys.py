"""API keys: minted, shown once, kept as a hash, found by it."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.utils import timezone

from access.models import ApiKey, Application, User

PREFIX = "tw_"
LAST_USED_EVERY = timedelta(minutes=1)


def make(
    user: User, *, name: str = "", application: Application | None = None, expires_at: datetime | None = None
) -> tuple[str, ApiKey]:
    """Make a key for the user, for one of their applications or none, and return its text and its row."""
    text = PREFIX + secrets.token_urlsafe(32)
    fields = {"name": name, "application": application, "expires_at": expires_at}
    return text, ApiKey.objects.create(user=user, hash=_hash(text), hint=text[:8], **fields)


def mint(user: User, *, name: str = "", application: Application | None = None) -> str:
    """Make a key for the user and return its text, which is nowhere kept."""
    return make(user, name=name, application=application)[0]


def find(text: str) -> ApiKey | None:
    """Return the valid key of this text with its user, who acts by the key's application, or None."""
    if not text.startswith(PREFIX) or len(text) > 100:
        return None
    key = _valid(hash=_hash(text))
    if key is not None:
        _note_use(key)
    return key


def valid_by_id(pk: int) -> ApiKey | None:
    """Return the key of this id with its user if it is still valid, or None; asking is no use of it."""
    return _valid(pk=pk)


def bearer(authorization: str) -> str | None:
    """Return the key's text of an Authorization header, or None when it is of another kind."""
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def _valid(**found_by: object) -> ApiKey | None:
    key = ApiKey.objects.valid().select_related("user", "application").filter(**found_by).first()
    if key is not None:
        key.user.acting_application = key.application
    return key


def _hash(text: str) -> bytes:
    # The text is 256 random bits: a plain hash of it cannot be guessed back, and is quick to look up.
    return hashlib.sha256(text.encode()).digest()


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
