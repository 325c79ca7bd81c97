"""Celery tasks of the core: each clears its wake-up's flag, then calls one engine."""

from celery import shared_task

from events import relay, retention, subscribers, wake


@shared_task
def relay_outbox() -> int:
    """Give committed events their positions; then wake those who read the log."""
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
