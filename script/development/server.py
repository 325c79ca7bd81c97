"""Run all of Tidewire in this terminal until told to stop."""

import os
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

from script.development.application import DJANGO, Application
from script.development.environment import chosen, is_debugging
from script.development.output import Terminal
from script.development.ports import wanted_port
from script.development.problems import Problem
from script.development.rooms import CHECKOUT, Room
from script.development.stack import Stack

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SETTLED = "settled"
STOPPED = "stopped"


def main(checkout: Path = CHECKOUT, application: Application = DJANGO) -> int:
    """Start, serve, stop; the exit status is 0 when it was told to stop."""
    # A queue that a signal handler may safely put into, whatever it interrupts.
    events: SimpleQueue[str] = SimpleQueue()
    for number in SIGNALS:
        # With nohup a closed terminal is to be ignored.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda got, frame: events.put(signal.Signals(got).name))
    terminal = Terminal()
    try:
        settings = chosen(os.environ)
        refuse_production(settings)
        port = wanted_port(os.environ.get("PORT"))
        stack = Stack(
            Room.of_checkout(checkout),
            port=port,
            environment=settings,
            application=application,
            checkout=checkout,
            report=terminal,
        )
        stack.start(settled=lambda: events.put(SETTLED))
    except Problem as problem:
        print(f"script/server: {problem}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"script/server: {error}. Make it yours, or use a checkout of your own.", file=sys.stderr)
        return 1
    return serve(stack, events, terminal)


def serve(stack: Stack, events: SimpleQueue[str], terminal: Terminal) -> int:
    """Wait for what happens: ready, failed, told to stop, told again, stopped."""
    stopping = False
    while (event := events.get()) != STOPPED:
        if event == SETTLED and not stack.failure and not stopping:
            terminal("", welcome(stack))
        elif event == SETTLED and stack.failure and not stopping:
            terminal("", f"script/server: {stack.failure}")
            stopping = stop(stack, events)
        elif event != SETTLED and not stopping:
            terminal("", "Stopping … (once more to end everything at once)")
            stopping = stop(stack, events)
        elif event != SETTLED:
            threading.Thread(target=stack.kill_all, daemon=True).start()
    terminal("", "Stopped.")
    return 1 if stack.failure else 0


def stop(stack: Stack, events: SimpleQueue[str]) -> bool:
    """Stop in a thread, so that a second signal is heard meanwhile."""

    def run() -> None:
        try:
            stack.stop()
        except Problem as problem:
            stack.failure = problem
            print(f"script/server: {problem}", file=sys.stderr)
        finally:
            events.put(STOPPED)

    threading.Thread(target=run, daemon=True).start()
    return True


def refuse_production(settings: dict[str, str]) -> None:
    """Engines that trust every local caller are for development only."""
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not settings.get(name)]
    if missing and not is_debugging(settings):
        raise Problem(
            "DEBUG is off, and the engines that this starts are for development only: "
            f"set {' and '.join(missing)} to servers of your own, or leave DEBUG unset."
        )


def welcome(stack: Stack) -> str:
    """What a newcomer wants to know next."""
    people = "Log in as alice, bob, carol or admin; the password is tidewire. "
    hint = (people if is_debugging(stack.environment) else "") + "Ctrl-C stops everything."
    return f"\nTidewire is ready at {stack.url}\n{hint}\n"


if __name__ == "__main__":
    sys.exit(main())
