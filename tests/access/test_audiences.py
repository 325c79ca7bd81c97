import pytest

from access import audiences

EVENS = audiences.audience(
    "tests.evens.{id}",
    "Even numbers up to the id.",
    lambda id, after, limit: [n for n in range(after + 1, id + 1) if n % 2 == 0][:limit],
)


def test_members_are_read_in_pages():
    assert audiences.members("tests.evens.9", limit=2) == [2, 4]
    assert audiences.members("tests.evens.9", after=4, limit=2) == [6, 8]
    assert audiences.members("tests.evens.9", after=8) == []


def test_a_page_is_bounded():
    assert len(audiences.members("tests.evens.5000", limit=10**9)) == audiences.LIMIT


@pytest.mark.parametrize("name", ["", "tests.evens.", "tests.evens.x", "tests.evens.1.2", "tests.evens.٣", "other.1"])
def test_a_name_that_nobody_declared_is_an_error(name):
    with pytest.raises(audiences.UnknownAudience):
        audiences.members(name)


def test_a_family_is_declared_once():
    with pytest.raises(ValueError, match="declared twice"):
        audiences.audience("tests.evens.{id}", "", EVENS.page)
