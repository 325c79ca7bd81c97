"""API keys: minted, shown once, kept as a hash, found by it."""

import hashlib
import secrets
from datetime import timedelta

from django.utils import timezone

from access.models import ApiKey, User

PREFIX = "tw_"
LAST_USED_EVERY = timedelta(minutes=1)


def mint(user: User, *, name: str = "") -> str:
    """Make a key for the user and return its text, which is nowhere kept."""
    text = PREFIX + secrets.token_urlsafe(32)
    ApiKey.objects.create(user=user, name=name, hash=_hash(text), hint=text[:8])
    return text


def find(text: str) -> ApiKey | None:
    """Return the valid key of this text with its user, or None."""
    if not text.startswith(PREFIX) or len(text) > 100:
        return None
    key = ApiKey.objects.valid().select_related("user").filter(hash=_hash(text)).first()
    if key is not None:
        _note_use(key)
    return key


def valid_by_id(pk: int) -> ApiKey | None:
    """Return the key of this id with its user if it is still valid, or None; asking is no use of it."""
    return ApiKey.objects.valid().select_related("user").filter(pk=pk).first()


def bearer(authorization: str) -> str | None:
    """Return the key's text of an Authorization header, or None when it is of another kind."""
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def _hash(text: str) -> bytes:
    # The text is 256 random bits: a plain hash of it cannot be guessed back, and is quick to look up.
    return hashlib.sha256(text.encode()).digest()


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
