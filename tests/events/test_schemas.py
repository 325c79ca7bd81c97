import pytest

from events import schemas
from events.payloads import compact

NESTED = {}
for _ in range(5000):
    NESTED = {"not": NESTED}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
        {"$schema": schemas.DIALECT, "type": "string"},
        {"$defs": {"id": {"type": "integer"}}, "properties": {"id": {"$ref": "#/$defs/id"}}},
        {"properties": {"inner": {"$ref": "#"}}},
    ],
)
def test_a_schema_that_stands_alone_is_taken(schema):
    schemas.check(schema)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        True,
        "object",
        {"type": "thing"},
        {"required": "id"},
        {"minimum": "1"},
        {"pattern": "("},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/$defs/none"},
        {"$ref": "#"},
        {"$dynamicRef": "#nowhere"},
        {"$id": "https://example.com/"},
        {"properties": {"a": {"$anchor": "here"}}},
        {"title": "a\0"},
        {"title": "\ud800"},
        {"const": float("nan")},
        {"title": "x" * schemas.MAX_BYTES},
        NESTED,
    ],
)
def test_a_schema_that_could_not_be_used_is_refused(schema):
    with pytest.raises(schemas.InvalidSchema):
        schemas.check(schema)


@pytest.mark.parametrize("text", ["a\0b", "\\\0", "\\\\\0"])
def test_nul_is_refused_and_what_only_looks_like_it_is_not(text):
    with pytest.raises(ValueError, match="NUL"):
        compact({"text": text})
    assert compact({"text": text.replace("\0", r"\u0000")})
