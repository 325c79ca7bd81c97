"""The front door to the live side for the other apps."""

from events.live.principal import Principal
from events.live.wait import wait_for_event

__all__ = ["Principal", "wait_for_event"]
