"""PostgreSQL as Django speaks to it, with moments read by the driver's compiled code and statements that are prepared.

Django reads each moment in Python, to put a time zone on it; in UTC the driver's own come out alike, five times as
fast. And it has each statement planned anew, which costs more than running one that touches a few rows by their keys.
"""

from collections.abc import Callable
from datetime import UTC
from functools import cache
from typing import Any

from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from psycopg import Connection, Cursor, adapters
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format
from psycopg.types.datetime import TimestamptzLoader

from config.postgresql.recall import Recalled


def _compiled() -> type[Loader]:
    """Return the driver's fastest reader: compiled, unless it was installed without."""
    known = AdaptersMap(adapters)
    known.register_loader("timestamptz", TimestamptzLoader)
    found = known.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)
    assert found
    return found


COMPILED = _compiled()


class Moments(TimestamptzLoader):
    """What Django asks for its time zone; what reads is the compiled one, of which none can inherit."""

    timezone = UTC

    def __new__(cls, *values: Any) -> Any:
        """Return the compiled reader."""
        return COMPILED(*values)


class Operations(operations.DatabaseOperations):
    """What Django asks of PostgreSQL's ways."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """Return what was asked last, for the log of queries; of a prepared statement without its values."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL."""

    ops_class = Operations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Connect."""
        connection: Connection = super().get_new_connection(conn_params)
        if self.timezone == UTC:
            connection.adapters.register_loader("timestamptz", Moments)
        return connection

    def prepared(self) -> CursorWrapper:
        """Return a cursor whose statements are planned once in a session, where they come again and again."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: CursorWrapper = self._prepare_cursor(Cursor(self.connection))
        return cursor

    def recall(self, build: Callable[..., QuerySet], *values: Any) -> list[Any]:
        """Return what the queryset finds that a function makes of these values; only the first time it is made.

        The values are numbers and lists of them; the function is one of a module's and does the same with all of them.
        """
        return _recalled(build, tuple(map(type, values)))(self, values)


@cache
def _recalled(build: Callable[..., QuerySet], shapes: tuple[type, ...]) -> Recalled:
    return Recalled(build, shapes)
