"""Querysets that are asked again and again: built and compiled once in a process, planned once in a session.

Django builds, compiles and has each of them planned anew, which takes longer than to read a page of rows by one.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

# What a value is while its place among the statement's parameters is looked for.
Mark: TypeAlias = int | list[int]
# No row has a number like these, so none of them stands in a statement by chance.
FIRST_MARK = -(2**61)


class Recalled:
    """One queryset with places for values, as `build` makes it of marks: numbers, or lists of them.

    Whatever else is in it is the same for ever, so it must not hold the time of day: a `datetime` is refused.
    """

    def __init__(self, build: Callable[..., QuerySet], shapes: Sequence[type]) -> None:
        marks = [_mark(number, shape) for number, shape in enumerate(shapes)]
        self._queryset = build(*marks)
        self._compiler = self._queryset.query.get_compiler(self._queryset.db)
        self._statement, parameters = self._compiler.as_sql()
        self._parameters = tuple(parameters)
        self._places = [_place(each, marks) for each in self._parameters]
        if any(isinstance(each, datetime) for each in self._parameters) or set(self._places) < set(range(len(marks))):
            raise ValueError(f"{build.__qualname__} cannot be recalled: a moment is in it, or a value is nowhere.")

    def __call__(self, connection: BaseDatabaseWrapper, values: Sequence[Any]) -> list[Any]:
        """Return what it finds with these values over this thread's connection."""
        parameters = [one if at is None else values[at] for one, at in zip(self._parameters, self._places, strict=True)]
        queryset = self._queryset.all()
        compiler = copy.copy(self._compiler)
        compiler.__class__ = _Again
        compiler.connection, compiler.again = connection, (self._statement, parameters)
        queryset.query.get_compiler = lambda *args, **kwargs: compiler
        return list(queryset)


class _Again(SQLCompiler):
    """Asks what another has compiled."""

    again: tuple[str, list[Any]]

    def execute_sql(self, *args: Any, **kwargs: Any) -> Iterable:
        with self.connection.prepared() as cursor:
            cursor.execute(*self.again)
            return [cursor.fetchall()]


def _mark(number: int, shape: type) -> Mark:
    mark = FIRST_MARK - number
    return [mark] if shape is list else mark


def _place(parameter: Any, marks: list[Mark]) -> int | None:
    return marks.index(parameter) if parameter in marks else None
