"""Keeps parts running: starts again what dies, stops all."""

import signal
import threading
import time
from collections.abc import Callable, Iterable

from script.development.children import Child, Part
from script.development.output import Journal, Report
from script.development.problems import Problem, Stopped

AT_ONCE = 3
LONGEST_PAUSE_SECONDS = 5.0
WELL_AFTER_SECONDS = 30.0


class Backoff:
    """How long to pause before the next start: not at all the first times, then up to five seconds."""

    def __init__(self) -> None:
        self._deaths = 0

    def after(self, ran_seconds: float) -> float:
        """The pause after one more death; having run well for a while makes the past forgotten."""
        if ran_seconds >= WELL_AFTER_SECONDS:
            self._deaths = 0
        self._deaths += 1
        if self._deaths <= AT_ONCE:
            return 0.0
        return min(0.5 * 2.0 ** (self._deaths - AT_ONCE - 1), LONGEST_PAUSE_SECONDS)


class Keeper:
    """Keeps one part running until it is stopped."""

    def __init__(self, supervisor: "Supervisor", part: Part) -> None:
        self.part = part
        self.child: Child | None = None
        self._supervisor = supervisor
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._backoff = Backoff()
        self._thread = threading.Thread(target=self._run, name=f"keeper of {part.name}", daemon=True)

    def start(self) -> None:
        """Start the part and go on keeping it."""
        self._thread.start()

    def stop(self, kill: bool = False) -> None:
        """End the part, gently or at once, and start it no more."""
        with self._lock:
            self._stopping.set()
            child = self.child
        if child:
            child.kill() if kill else child.stop()
        if self._thread.ident:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                ending = self._live()
            except Stopped:
                return
            if self._stopping.is_set():
                return
            pause = self._backoff.after(time.monotonic() - started)
            when = f"in {pause:g} s" if pause else "now"
            self._supervisor.add_line(self.part, f"{ending}; starting it again {when}")
            self._stopping.wait(pause)

    def _live(self) -> str:
        try:
            self.part.before_start()
            with self._lock:
                if self._stopping.is_set():
                    raise Stopped
                self.child = self._supervisor.launch(self.part)
        except (OSError, Problem) as error:
            return f"could not start ({error})"
        return describe(self.child.wait())


class Supervisor:
    """All parts of one stack, by name."""

    def __init__(self, journal: Journal, report: Report, changed: Callable[[list[Child]], None]) -> None:
        self._journal = journal
        self._report = report
        self._changed = changed
        self._keepers: dict[str, Keeper] = {}
        self._children: list[Child] = []
        self._lock = threading.Lock()
        self._stopped = False

    def keep(self, part: Part) -> None:
        """Start a part and keep it running."""
        with self._lock:
            if self._stopped:
                raise Stopped
            keeper = self._keepers[part.name] = Keeper(self, part)
        keeper.start()

    def run(self, part: Part) -> None:
        """Run a part once, to its good end."""
        status = self.launch(part).wait()
        if self._stopped:
            raise Stopped
        if status != 0:
            raise Problem(
                f"`{part.name}` {describe(status)}. Its last lines:\n{self._journal.last(part.name)}\n"
                "Mend what they say, then start again."
            )

    def launch(self, part: Part) -> Child:
        """Start a process of a part, unless all is being stopped, and let it be recorded."""
        with self._lock:
            if self._stopped:
                raise Stopped
            child = Child(part, lambda line: self.add_line(part, line))
            self._children = [one for one in self._children if not one.ended.is_set()] + [child]
            self._changed(self._children)
        return child

    def add_line(self, part: Part, line: str) -> None:
        """Keep a line that a part wrote, and show it."""
        self._journal.add(part.name, line)
        if line and part.shows(line):
            self._report(part.name, line)

    def pid(self, name: str) -> int | None:
        """The number of a part's first process; None while it is not running."""
        child = self._keepers[name].child if name in self._keepers else None
        return child.pid if child and not child.ended.is_set() else None

    def forget(self) -> None:
        """Start nothing from now on, and end what runs only once."""
        with self._lock:
            self._stopped = True
            kept = [keeper.child for keeper in self._keepers.values()]
            passing = [child for child in self._children if child not in kept]
        for child in passing:
            child.kill()

    def stop(self, names: Iterable[str], kill: bool = False) -> None:
        """Stop some parts together, gently or at once."""
        keepers = [self._keepers[name] for name in names if name in self._keepers]
        threads = [threading.Thread(target=keeper.stop, args=(kill,)) for keeper in keepers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def names(self) -> list[str]:
        """The parts that are kept, in the order of their start."""
        return list(self._keepers)


def describe(status: int) -> str:
    """What an exit status tells a person."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
