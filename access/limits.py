"""How much one may do in a minute: counted in the cache, and without a cache not at all."""

import logging
import time

from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60


def take(user_id: int, count: int) -> float | None:
    """Count so many events for the user; return None, or after how many seconds to come again when that is too many."""
    return within(f"published.{user_id}", count, settings.TIDEWIRE_USER_EVENTS_PER_MINUTE)


def taken(user_id: int) -> int | None:
    """Return how many events the user has published in this minute; None where that is not counted."""
    if not settings.TIDEWIRE_USER_EVENTS_PER_MINUTE:
        return None
    try:
        return cache.get(f"published.{user_id}.{time.time() // WINDOW_SECONDS:.0f}", 0)
    except Exception as error:  # noqa: BLE001  any trouble of the cache's backend
        logger.warning("What user %s published is not known: %r", user_id, error)
        return None


def within(name: str, count: int, limit: int) -> float | None:
    """Count so many under the name; return None, or after how many seconds to come again when that is too many.

    A limit of 0 is none.
    """
    if not limit:
        return None
    window, into = divmod(time.time(), WINDOW_SECONDS)
    try:
        return None if _counted(f"{name}.{window:.0f}", count) <= limit else WINDOW_SECONDS - into
    except Exception as error:  # noqa: BLE001  any trouble of the cache's backend
        logger.warning("%s is not counted: %r", name, error)
        return None


def _counted(key: str, count: int) -> int:
    cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
    return cache.incr(key, count)
