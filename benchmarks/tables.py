"""Tables for people: aligned, with the conditions below."""

from collections.abc import Sequence

from benchmarks.machine import conditions


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[str] = ()) -> None:
    """Print a table (also valid Markdown), then the notes and the conditions."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    print("\n".join(["", title, "", lines[0], rule, *lines[1:], "", *notes, *conditions()]), flush=True)
