"""Querysets that are asked again and again: built and compiled once in a process, planned once in a session.

Django builds, compiles and has each of them planned anew, which takes longer than to read a page of rows by one.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

# What stands for a value while its places in the statement are looked for: no row has a number like this.
FIRST_MARK = -(2**61)
# How Django begins a list of values, and how PostgreSQL begins an array of them.
LIST, ARRAY = "IN (", "= ANY("


class Recalled:
    """One queryset with places for values, as `build` makes it of numbers and of lists of them, which go to `__in`.

    Whatever else is in it is the same for ever, so it must not hold the time of day: a `datetime` is refused.
    """

    def __init__(self, build: Callable[..., QuerySet], shapes: Sequence[type]) -> None:
        marks = [FIRST_MARK - number for number in range(len(shapes))]
        lists = [shape is list for shape in shapes]
        self._queryset = build(*[[mark] if listed else mark for mark, listed in zip(marks, lists, strict=True)])
        self._compiler = self._queryset.query.get_compiler(self._queryset.db)
        statement, self._parameters = self._compiler.as_sql()
        self._places = [marks.index(each) if each in marks else None for each in self._parameters]
        found = {place for place in self._places if place is not None}
        if any(isinstance(each, datetime) for each in self._parameters) or len(found) < len(marks):
            raise ValueError(f"{build.__qualname__} cannot be recalled: a moment is in it, or a value is nowhere.")
        self._statement = _with_arrays(statement, [at is not None and lists[at] for at in self._places])

    def __call__(self, connection: BaseDatabaseWrapper, values: Sequence[Any]) -> list[Any]:
        """Return what it finds with these values over this thread's connection."""
        places = zip(self._parameters, self._places, strict=True)
        compiler = copy.copy(self._compiler)
        compiler.__class__ = _Again
        compiler.connection = connection
        compiler.again = self._statement, [one if at is None else values[at] for one, at in places]
        queryset = self._queryset.all()
        queryset.query.get_compiler = lambda *args, **kwargs: compiler
        return list(queryset)


class _Again(SQLCompiler):
    """Asks what another has compiled."""

    again: tuple[str, list[Any]]

    def execute_sql(self, *args: Any, **kwargs: Any) -> Iterable:
        with self.connection.prepared() as cursor:
            cursor.execute(*self.again)
            return [cursor.fetchall()]


def _with_arrays(statement: str, listed: Sequence[bool]) -> str:
    """Give each list one place, however long it is: `= ANY(…)`, which is looked up like `IN (…)`."""
    parts = statement.split("%s")
    for at in (number for number, is_list in enumerate(listed) if is_list):
        if not parts[at].endswith(LIST):
            raise ValueError(f"A list is recalled by `__in` alone: {parts[at][-60:]}")
        parts[at] = parts[at].removesuffix(LIST) + ARRAY
    return "%s".join(parts)
