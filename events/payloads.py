"""The words in which a payload is described: each makes a piece of JSON Schema (2020-12); and payloads in short."""

import json
import re
from typing import Any

Schema = dict[str, Any]

TIME: Schema = {"type": "string", "format": "date-time"}
BOOLEAN: Schema = {"type": "boolean"}
ID: Schema = {"type": ["integer", "string"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
VERSION: Schema = {"type": "integer", "minimum": 1}


# PostgreSQL keeps no NUL in JSON; in JSON it is written by this escape, unless the backslash is itself escaped.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def compact(data: Any) -> str:
    """Write data from outside as compact JSON in ASCII, or raise `ValueError` when it could not be kept."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
        written = json.dumps(data, allow_nan=False, separators=(",", ":"))
    except UnicodeEncodeError:
        raise ValueError("A text holds half a surrogate pair.") from None
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    if _NUL.search(written):
        raise ValueError("A text holds the character NUL.")
    return written


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
