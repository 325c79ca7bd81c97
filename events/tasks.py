"""Celery tasks of the core: each clears its wake-up's flag, then calls one engine."""

from celery import shared_task

from events import log, relay, retention, subscribers, wake

# What has waited longer is not waited for: the resident relay may have been killed or stopped a moment ago.
RESIDENT_PATIENCE_SECONDS = 0.5


@shared_task
def relay_outbox() -> int:
    """Give committed events their positions, unless a resident relay does; then wake those who read the log."""
    if wake.resident_lives() and log.oldest_waiting_seconds() < RESIDENT_PATIENCE_SECONDS:
        return 0
    wake.clear(wake.RELAY)
    moved = relay.run()
    if moved:
        subscribers.wake_all()
    return moved


@shared_task
def run_subscriber(name: str) -> int:
    """Let one subscriber take what is new to it."""
    wake.clear(wake.SUBSCRIBER, name)
    return subscribers.run(name)


@shared_task
def sweep_subscribers() -> None:
    """Wake the subscribers that are behind the log, whatever became of their wake-ups."""
    subscribers.wake_those_behind()


@shared_task
def prune_log() -> int:
    """Remove from the log what is past retention."""
    return retention.prune()
