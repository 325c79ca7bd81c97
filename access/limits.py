"""How much one user may publish: counted by the minute in the cache, and without a cache not at all."""

import logging
import time

from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60


def take(user_id: int, count: int) -> float | None:
    """Count so many events for the user; return None, or after how many seconds to come again when that is too many."""
    limit = settings.TIDEWIRE_USER_EVENTS_PER_MINUTE
    if not limit:
        return None
    window, into = divmod(time.time(), WINDOW_SECONDS)
    try:
        return None if _counted(f"published.{user_id}.{window:.0f}", count) <= limit else WINDOW_SECONDS - into
    except Exception as error:  # noqa: BLE001  any trouble of the cache's backend
        logger.warning("Published events are not counted: %r", error)
        return None


def _counted(key: str, count: int) -> int:
    cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
    return cache.incr(key, count)
