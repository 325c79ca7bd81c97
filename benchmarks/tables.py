"""Tables for people: aligned, with the conditions below."""

from collections.abc import Sequence

from benchmarks.machine import conditions


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[str] = ()) -> None:
    """Print a table (also valid Markdown), then the notes and the conditions."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    cells.insert(1, ["-" * width for width in widths])
    print("\n".join(["", title, "", *(_line(row, widths) for row in cells), "", *notes, *conditions()]), flush=True)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
