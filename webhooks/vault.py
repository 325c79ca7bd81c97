"""Secrets at rest: encrypted with a key that is derived from the project's secret key."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def encrypt(text: str) -> str:
    """Return the text in a form that only this server can read."""
    return _box(_keys()).encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Return what was encrypted, also under an earlier secret key that is still listed as a fallback."""
    return _box(_keys()).decrypt(text.encode()).decode()


def renew(text: str) -> str:
    """Return what was encrypted under an earlier secret key encrypted under the present one, all else as it is."""
    try:
        _box(_keys()[:1]).decrypt(text.encode())
    except InvalidToken:
        return _box(_keys()).rotate(text.encode()).decode()
    return text


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


@lru_cache
def _box(secret_keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in secret_keys])


def _derive(secret_key: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tidewire webhook secrets")
    return base64.urlsafe_b64encode(hkdf.derive(secret_key.encode()))
