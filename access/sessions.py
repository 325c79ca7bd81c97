"""Sessions: kept as Django keeps them; a key that is none is refused before a database is asked."""

from datetime import datetime

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from access.models import User

KEY_MAX_LENGTH = 40


class SessionStore(DatabaseSessionStore):
    """Django's store, for keys as it makes them: a cookie can hold any character, even one that no database takes."""

    def _validate_session_key(self, key) -> bool:
        return is_key(key or "")


def is_key(text: str) -> bool:
    """Say whether the text has the form of a session's key."""
    return 8 <= len(text) <= KEY_MAX_LENGTH and text.isascii() and text.isalnum()


def find(key: str) -> tuple[User, datetime] | None:
    """Return the user of a session and when it ends, or None when it is over or its user may not come in."""
    session = Session.objects.filter(session_key=key, expire_date__gt=timezone.now()).first()
    if session is None:
        return None
    data = session.get_decoded()
    user = User.objects.filter(pk=data.get(SESSION_KEY, 0), is_active=True).first()
    return (user, session.expire_date) if user and _has_password_of(user, data.get(HASH_SESSION_KEY, "")) else None


def _has_password_of(user: User, known: str) -> bool:
    # Not `get_user`: under a rotated secret key that would move the session to a key of which the cookie is not told.
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(known, each) for each in hashes)
