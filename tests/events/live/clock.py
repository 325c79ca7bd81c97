"""An event loop in which time passes only when nothing else is left to do, so that waiting costs nothing."""

import asyncio
import selectors
from functools import wraps


class _Selector(selectors.SelectSelector):
    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("Nothing will ever happen any more.")
            self.now += timeout
        return ready


class IdleClockLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own: when all wait, it is at once as late as the first of them waits for."""

    def __init__(self):
        self._hands = _Selector()
        super().__init__(self._hands)

    def time(self):
        """Return the time by this clock."""
        return self._hands.now

    def spend(self, seconds):
        """Let time pass in the middle of something, as work does."""
        self._hands.now += seconds


def beside_the_loop(function):
    """Let a function ask the database by the connection of the test, from within the loop that it holds up."""

    @wraps(function)
    def call(*args, **kwargs):
        # Django knows connections by thread, and in a running loop by task.
        loop = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            return function(*args, **kwargs)
        finally:
            asyncio._set_running_loop(loop)

    return call
