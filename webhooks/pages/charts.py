"""Charts as shapes: what templates draw as SVG, stretched to its place, beside a table that says the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from webhooks.trends import Part

WIDTH, HEIGHT = 720, 120
GAP = 0.24
NICE = (1, 2, 5, 10)
MARKS = 4

Values = Callable[[Part], list[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, and what paints it."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn; the words beside it from top to bottom, and the moments below it from the oldest on."""

    bars: list[Bar]
    words: list[str]
    marks: list[datetime]
    width: int = WIDTH
    height: int = HEIGHT


def outcomes(parts: Sequence[Part]) -> Chart:
    """Draw how many succeeded, wait and were lost, each part of the window as one bar."""
    top = nice(max((part.count for part in parts), default=0))
    return _chart(
        parts, lambda part: [("good", part.succeeded), ("waiting", part.waiting), ("bad", part.lost)], top, "{:,}"
    )


def latencies(parts: Sequence[Part]) -> Chart:
    """Draw how long the median answer took, and on top of it how much longer the slowest twentieth."""
    top = nice(max((part.slow_ms or 0 for part in parts), default=0))
    return _chart(parts, _latencies, top, "{:,} ms")


def _latencies(part: Part) -> list[tuple[str, float]]:
    median, slow = part.median_ms or 0, part.slow_ms or 0
    return [("median", median), ("slow", slow - median)]


def nice(value: int) -> int:
    """Return the next number, from 2 on, at which a scale may end."""
    power = 10 ** (len(str(value)) - 1)
    return max(2, next(step * power for step in NICE if step * power >= value))


def _chart(parts: Sequence[Part], values: Values, top: int, form: str) -> Chart:
    words = [form.format(each) for each in (top, top // 2, 0)]
    marks = [part.begins for part in parts[:: len(parts) // MARKS]]
    return Chart(list(_stacked(parts, values, top)), words, marks)


def _stacked(parts: Sequence[Part], values: Values, top: int) -> Iterator[Bar]:
    step, scale = WIDTH / len(parts), HEIGHT / top
    for number, part in enumerate(parts):
        y, x = float(HEIGHT), (number + GAP / 2) * step
        for kind, value in values(part):
            if value:
                y -= value * scale
                yield Bar(round(x, 2), round(y, 2), round(step * (1 - GAP), 2), round(value * scale, 2), kind)
