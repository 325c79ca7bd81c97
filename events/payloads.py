"""The words in which a payload is described: each makes a piece of JSON Schema (2020-12)."""

from typing import Any

Schema = dict[str, Any]

TIME: Schema = {"type": "string", "format": "date-time"}
BOOLEAN: Schema = {"type": "boolean"}
ID: Schema = {"type": ["integer", "string"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
VERSION: Schema = {"type": "integer", "minimum": 1}


def text(max_length: int | None = None) -> Schema:
    """Describe a text, bounded in characters where a bound is given."""
    return {"type": "string"} | ({"maxLength": max_length} if max_length else {})


def one_of(*values: str) -> Schema:
    """Describe a text out of a fixed list."""
    return {"enum": list(values)}


def optional(schema: Schema) -> Schema:
    """Describe a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": schema}


def fields(**schemas: Schema) -> Schema:
    """Describe an object: every field is there, and no other."""
    return {
        "type": "object",
        "properties": schemas,
        "required": list(schemas),
        "additionalProperties": False,
    }
