"""Counts against the rows counted: what differs is reported, repaired and told, some objects at a time."""

import logging
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from feeds.models import Comment, Entry, Feed, Follow, Reaction
from feeds.models.counts import Counted

logger = logging.getLogger(__name__)

CHUNK = 5000


def _rows(rows: QuerySet, of: str) -> Coalesce:
    """Return the expression that counts these rows of an object."""
    found = rows.filter(**{of: OuterRef("pk")}).order_by().values(of)
    return Coalesce(Subquery(found.annotate(rows=Count("*")).values("rows")), 0)


# What is counted of each, by the count's column.
COUNTED = {
    Entry: {
        "like_count": _rows(Reaction.objects.filter(kind=Reaction.Kind.LIKE), "entry"),
        "comment_count": _rows(Comment.objects.filter(deleted_at=None), "entry"),
    },
    Feed: {"follower_count": _rows(Follow.objects.filter(state=Follow.State.ACCEPTED), "feed")},
}


def repair() -> int:
    """Repair what has drifted; return how many objects had."""
    return sum(_repair(model, pk) for model in COUNTED for pk in _drifted(model))


def _drifted(model: type[Counted]) -> Iterator[int]:
    """Yield the ids of those that differ; each chunk is compared by one statement, which sees one moment."""
    counted = COUNTED[model]
    differs = Q(*(~Q(**{f"{name}_kept": F(f"{name}_found")}) for name in counted), _connector=Q.OR)
    kept = {f"{name}_kept": Coalesce(f"counts__{name}", 0) for name in counted}
    found = {f"{name}_found": rows for name, rows in counted.items()}
    last = model.objects.aggregate(last=Max("pk"))["last"] or 0
    for first in range(0, last, CHUNK):
        rows = model.objects.filter(pk__gt=first, pk__lte=first + CHUNK).annotate(**kept, **found)
        yield from rows.filter(differs).values_list("pk", flat=True)


@transaction.atomic
def _repair(model: type[Counted], pk: int) -> bool:
    """Set the counts to what is there now; say whether they were other."""
    model.counted_in.objects.get_or_create(pk=pk)
    # Who counts waits for this row, so what is found after it was locked is what it must say.
    kept = model.counted_in.objects.select_for_update().get(pk=pk)
    found = model.objects.annotate(**{f"{name}_found": rows for name, rows in COUNTED[model].items()})
    row = found.select_related(*model.told_with).get(pk=pk)
    steps = {name: getattr(row, f"{name}_found") - getattr(kept, name) for name in COUNTED[model]}
    if not any(steps.values()):
        return False
    logger.error("The counts of %s %s were off by %s; they are repaired.", model._meta.verbose_name, pk, steps)
    row.count(**steps)
    return True
