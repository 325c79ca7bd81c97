"""JSON Schemas that people write: looked at before they are taken, so that every one that is taken can be used."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from events.payloads import compact

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_BYTES = 64 * 1024
REFERENCES = ("$ref", "$dynamicRef")
# They would give a name or another base to what is found by its place alone.
REFUSED = ("$id", "$anchor", "$dynamicAnchor", "$vocabulary")


class InvalidSchema(ValueError):
    """This is no schema by which an event's data could be checked."""


def check(schema: Any) -> None:
    """Raise `InvalidSchema` unless this is a schema of draft 2020-12, of a bounded size, that needs no other."""
    if not isinstance(schema, dict):
        raise InvalidSchema("A schema is an object.")
    try:
        if len(compact(schema)) > MAX_BYTES:
            raise InvalidSchema(f"A schema has at most {MAX_BYTES} bytes.")
        if schema.get("$schema", DIALECT) != DIALECT:
            raise InvalidSchema(f"$schema is {DIALECT}, or left out.")
        Draft202012Validator.check_schema(schema)
        _check_references(schema)
        # One that refers to itself without end shows it here.
        Draft202012Validator(schema).is_valid({})
    except SchemaError as error:
        place = ".".join(str(step) for step in error.absolute_path) or "schema"
        raise InvalidSchema(f"{place}: {error.message[:300]}") from None
    except RecursionError:
        raise InvalidSchema("The schema is nested too deeply.") from None
    except ValueError as error:
        raise InvalidSchema(str(error)) from None


def _check_references(schema: dict[str, Any]) -> None:
    # An empty registry fetches nothing: what another server holds is not found.
    resource = DRAFT202012.create_resource(schema)
    resolver = Registry().with_resource("", resource).resolver()
    for word, value in _words(schema):
        if word in REFUSED:
            raise InvalidSchema(f"{word} is not taken; refer by place, as in #/$defs/name.")
        if word in REFERENCES and isinstance(value, str):
            try:
                resolver.lookup(value)
            except Unresolvable:
                raise InvalidSchema(f"{value[:100]!r} is not in this schema.") from None


def _words(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
