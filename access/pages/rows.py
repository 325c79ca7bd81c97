"""Pages of rows, the newest first, in both directions; and counts that end somewhere."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

PAGE = 20
# So far a page counts; more than that are "more".
COUNTED = 1000


def number(request: HttpRequest, parameter: str) -> int | None:
    """Return a row's number from the address; what is none counts as not given."""
    asked = request.GET.get(parameter, "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None


def page(request: HttpRequest, rows: QuerySet) -> dict[str, Any]:
    """Return a page of rows: those before or after a row, or the newest; and where the pages around it begin."""
    before, after = number(request, "before"), number(request, "after")
    if after is not None and before is None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
        shown = found[:PAGE][::-1]
        return _with_ways(shown, has_newer=len(found) > PAGE, has_older=True)
    found = list((rows.filter(pk__lt=before) if before is not None else rows).order_by("-pk")[: PAGE + 1])
    return _with_ways(found[:PAGE], has_newer=before is not None, has_older=len(found) > PAGE)


def _with_ways(shown: list, *, has_newer: bool, has_older: bool) -> dict[str, Any]:
    return {
        "rows": shown,
        "newer": shown[0].pk if shown and has_newer else None,
        "older": shown[-1].pk if shown and has_older else None,
        "is_first": not has_newer,
    }


def count(rows: QuerySet) -> str:
    """Return how many rows there are, as far as that is counted."""
    return _words(rows.order_by()[: COUNTED + 1].count())


def count_among_newest(rows: QuerySet, field: str, value: str) -> str:
    """Return how many of the newest rows have a value that no index knows; of more rows than these at least so many."""
    newest = list(rows.order_by("-pk").values_list(field, flat=True)[:COUNTED])
    found = newest.count(value)
    return f"{found:,}+" if len(newest) == COUNTED else _words(found)


def _words(found: int) -> str:
    return f"{COUNTED:,}+" if found > COUNTED else str(found)
