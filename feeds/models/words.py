"""Full-text search: what a text is found by, and how it is asked for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import OperationalError, connection, transaction
from django.db.models import F, Func, QuerySet, TextField, Value
from psycopg.errors import QueryCanceled

# Between these the parts of addresses and of names with dots are words of their own.
_JOINTS = "./:@_-'\u2019"
WORDS_MAX = 10
WORD_MAX_LENGTH = 100
TEXT_MAX_LENGTH = 200
# A search may not hold a connection for longer than a reader waits.
TIMEOUT_MS = 3000


class TooMuch(Exception):
    """A search takes longer than a reader waits."""


def _parted(name: str) -> Func:
    joints, spaces = Value(_JOINTS), Value(" " * len(_JOINTS))
    return Func(F(name), joints, spaces, function="translate", output_field=TextField())


def vector(*fields: str) -> SearchVector:
    """Return what the fields are found by: their words in small letters, of no certain language.

    Written alike in the index and in the question, else the index is not used.
    """
    return SearchVector(*map(_parted, fields), config="simple")


def query(text: str) -> SearchQuery | None:
    """Return the question for rows that have every word of the text, each as the beginning of a word, or None."""
    words = re.findall(r"\w+", text.translate(dict.fromkeys(map(ord, _JOINTS), " ")).lower())
    words = list(dict.fromkeys(word[:WORD_MAX_LENGTH] for word in words))[:WORDS_MAX]
    # Letters and digits alone: nothing in them means anything to the question's grammar.
    return (
        SearchQuery(" & ".join(f"'{word}':*" for word in words), config="simple", search_type="raw") if words else None
    )


def found(rows: QuerySet, fields: tuple[str, ...], text: str) -> QuerySet:
    """Return those of the rows in which the words are found; without a word none."""
    asked = query(text)
    if asked is None:
        return rows.none()
    return rows.annotate(words=vector(*fields)).filter(words=asked)


@contextmanager
def bounded() -> Iterator[None]:
    """Let what is asked within take so long and no longer; raises `TooMuch`."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
            yield
            # A search within a transaction of somebody else's leaves no trace in it.
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooMuch from None
        raise
