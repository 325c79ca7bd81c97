import json
import random

import pytest

from webhooks import filters

DATA = {
    "entry": {
        "kind": "post",
        "like_count": 10,
        "edited_at": None,
        "pinned": True,
        "created_at": "2026-11-23T10:00:00.000000Z",
        "author": {"username": "alice"},
        "tags": ["news", {"name": "python"}],
        "a.b": 1,
    }
}

HOLDS = [
    ({}, True),
    ({"entry.kind": "post"}, True),
    ({"entry.kind": "status"}, False),
    ({"entry.kind": "post", "entry.like_count": {"gte": 11}}, False),
    ({"entry.kind": {"eq": "post"}}, True),
    ({"entry.kind": {"ne": "post"}}, False),
    ({"entry.kind": {"ne": "status"}}, True),
    ({"entry.author.username": {"in": ["alice", "bob"]}}, True),
    ({"entry.author.username": {"in": ["bob"]}}, False),
    ({"entry.author.username": {"nin": ["bob"]}}, True),
    ({"entry.author.username": {"nin": ["alice"]}}, False),
    ({"entry.like_count": {"gt": 9, "lt": 11}}, True),
    ({"entry.like_count": {"gt": 10}}, False),
    ({"entry.like_count": {"gte": 10, "lte": 10}}, True),
    ({"entry.like_count": {"lt": 10}}, False),
    ({"entry.like_count": 10.0}, True),
    ({"entry.like_count": "10"}, False),
    ({"entry.like_count": {"gt": "1"}}, False),
    ({"entry.pinned": True}, True),
    ({"entry.pinned": 1}, False),
    ({"entry.pinned": {"gt": 0}}, False),
    ({"entry.created_at": {"gte": "2026-11-23", "lt": "2026-11-24"}}, True),
    ({"entry.created_at": {"prefix": "2026-11"}}, True),
    ({"entry.like_count": {"prefix": "1"}}, False),
    ({"entry.edited_at": None}, True),
    ({"entry.kind": None}, False),
    ({"entry.edited_at": {"exists": True}}, True),
    ({"entry.missing": {"exists": False}}, True),
    ({"entry.missing": {"exists": True}}, False),
    ({"entry.missing": None}, False),
    ({"entry.missing": {"ne": "post"}}, True),
    ({"entry.missing": {"nin": ["post"]}}, True),
    ({"entry.missing": {"lt": 5}}, False),
    ({"entry.kind.deeper": {"exists": False}}, True),
    ({"entry.tags.0": "news"}, True),
    ({"entry.tags.1.name": "python"}, True),
    ({"entry.tags.2": {"exists": False}}, True),
    ({"entry.tags.-1": {"exists": False}}, True),
    ({"entry.tags": "news"}, False),
    ({"entry": {"exists": True}}, True),
    ({"entry.a.b": 1}, False),
]


@pytest.mark.parametrize(("content_filter", "holds"), HOLDS, ids=lambda value: json.dumps(value)[:60])
def test_a_filter_holds_or_not(content_filter, holds):
    filters.check(content_filter)
    assert filters.matches(content_filter, DATA) is holds


@pytest.mark.parametrize(
    ("content_filter", "reason"),
    [
        ([], "is an object"),
        (None, "is an object"),
        ("entry.kind", "is an object"),
        ({"": 1}, "is not a path"),
        ({"entry..kind": 1}, "is not a path"),
        ({".entry": 1}, "is not a path"),
        ({"entry.\x00": 1}, "is not a path"),
        ({"\ud800": 1}, "is not a path"),
        ({"x" * 201: 1}, "too long a path"),
        ({"entry.kind": {}}, "no operator"),
        ({"entry.kind": {"like": "p%"}}, "no operator; use eq, ne, in"),
        ({"entry.kind": {"eq": {"a": 1}}}, "is a text, a number"),
        ({"entry.kind": [1]}, "is a text, a number"),
        ({"entry.kind": {"in": "post"}}, "list of 1 to 100"),
        ({"entry.kind": {"in": []}}, "list of 1 to 100"),
        ({"entry.kind": {"nin": [1] * 101}}, "list of 1 to 100"),
        ({"entry.kind": {"in": [[1]]}}, "is a text, a number"),
        ({"entry.kind": {"exists": 1}}, "true or false"),
        ({"entry.kind": {"prefix": 1}}, "give a text"),
        ({"entry.kind": {"gt": None}}, "a number or a text"),
        ({"entry.kind": {"gt": True}}, "a number or a text"),
        ({"entry.kind": float("nan")}, "not a number"),
        ({"entry.kind": float("inf")}, "not a number"),
        ({"entry.kind": "x" * 501}, "at most 500"),
        ({"entry.kind": {"in": ["x" * 501]}}, "at most 500"),
        ({"entry.kind": 10**5000}, "at most 500"),
        ({"entry.kind": "\x00"}, "cannot be kept"),
        ({"entry.kind": {"prefix": "\udfff"}}, "cannot be kept"),
        ({f"entry.{n}": n for n in range(11)}, "at most 10 conditions; this one has 11"),
        ({f"entry.{n}": {"gt": 1, "lt": 3} for n in range(6)}, "at most 10 conditions; this one has 12"),
    ],
)
def test_what_is_no_filter_is_refused_with_a_sentence(content_filter, reason):
    with pytest.raises(ValueError, match=reason):
        filters.check(content_filter)
    filters.matches(content_filter, DATA)


def anything(chance, depth=0):
    """Return some JSON, of the kinds that real data has and of those that it should not."""
    leaf = [None, True, False, 0, 1, -1, 10**400, 1.5, "", "a", "post", "0", "\x00", "\ud800", "x" * 600, float("nan")]
    if depth > 3 or chance.random() < 0.5:
        return chance.choice(leaf)
    if chance.random() < 0.4:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    names = ["a", "b", "0", "1", "", "a.b", *filters.OPERATORS]
    return {chance.choice(names): anything(chance, depth + 1) for _ in range(chance.randrange(4))}


def test_no_filter_and_no_data_make_it_raise_and_what_is_checked_can_be_kept():
    chance = random.Random(1)
    kept = 0
    for _ in range(20_000):
        content_filter, data = anything(chance), anything(chance)
        assert filters.matches(content_filter, data) in (True, False)
        try:
            filters.check(content_filter)
        except ValueError as error:
            sentence = str(error)
        else:
            kept += 1
            sentence = json.dumps(content_filter, ensure_ascii=False, allow_nan=False)
        assert sentence.encode()
    assert kept > 100


@pytest.mark.parametrize(("name", "opposite"), [("eq", "ne"), ("in", "nin")])
def test_of_two_opposite_operators_exactly_one_holds_for_any_data(name, opposite):
    chance = random.Random(2)
    for _ in range(5000):
        data, wanted = anything(chance), chance.choice([None, True, 1, 1.0, "a", "post"])
        operand = [wanted] if name == "in" else wanted
        path = chance.choice(["a", "a.b", "0.a", "b.1"])
        holds = [filters.matches({path: {each: operand}}, data) for each in (name, opposite)]
        assert sum(holds) == 1


def test_conditions_hold_together_only_if_each_holds():
    chance = random.Random(3)
    for _ in range(5000):
        data = anything(chance)
        parts = [{path: {chance.choice(["gt", "lte", "ne"]): 1}} for path in ("a", "b", "0")]
        together = parts[0] | parts[1] | parts[2]
        assert filters.matches(together, data) == all(filters.matches(part, data) for part in parts)
