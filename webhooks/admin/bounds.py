"""Lists of rows that are too many to count or to walk."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Max, QuerySet
from django.utils.functional import cached_property

# So many rows can be paged through; what lies farther back is found by its endpoint or its event.
COUNTED = 10_000
# What no index serves is looked for among so many of the newest.
REACH = 100_000
# So many rows are changed by one action.
AT_ONCE = 1000


class BoundedPaginator(Paginator):
    """Pages of the newest rows."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, as far as that is counted."""
        return self.object_list.order_by()[:COUNTED].count()


def newest(rows: QuerySet, among: QuerySet) -> QuerySet:
    """Return those of the rows that are among the newest of all."""
    top = among.aggregate(top=Max("pk"))["top"] or 0
    return rows.filter(pk__gt=top - REACH)


class ReadOnly(admin.ModelAdmin):
    """Rows that people look at, and change by actions alone."""

    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ["-id"]

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
