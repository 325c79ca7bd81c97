"""The ways out. Each is a class like `Way`, named in `TIDEWIRE_NOTIFICATION_CHANNELS`; the inbox itself needs none."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import cache
from typing import ClassVar, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from access.models import User
from notifications.models import Notification


class Failed(Exception):
    """The message could not be sent; it is tried again later."""


class NoAddress(Exception):
    """There is nowhere to send to any more."""


class Way(Protocol):
    """One channel out of the house."""

    name: ClassVar[str]

    def is_on(self) -> bool:
        """Say whether this server is set up for it."""
        ...

    def delay(self) -> timedelta:
        """Return how long what is new waits, in case it is read meanwhile."""
        ...

    def reachable(self, users: Collection[int]) -> set[int]:
        """Return those of the users who have an address there."""
        ...

    def send(self, user: User, rows: Sequence[Notification], number: int) -> None:
        """Send one message that tells of all the rows; the same number is the same message tried again.

        Raises `Failed` or `NoAddress`.
        """
        ...


@cache
def _made(paths: tuple[str, ...]) -> dict[str, Way]:
    return {way.name: way for way in (import_string(path)() for path in paths)}


def ways() -> dict[str, Way]:
    """Return the ways that this server is set up for, by the names of their channels."""
    return {name: way for name, way in _made(tuple(settings.TIDEWIRE_NOTIFICATION_CHANNELS)).items() if way.is_on()}
