import os

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment


@pytest.fixture
def name(monkeypatch):
    """Set the one variable that these tests read."""
    return lambda value: monkeypatch.setenv("TIDEWIRE_TESTED", value) or "TIDEWIRE_TESTED"


@pytest.mark.parametrize("value", ["1", "true", "YES", "On"])
def test_a_flag_is_true_in_several_spellings(name, value):
    assert environment.flag(name(value)) is True


@pytest.mark.parametrize("value", ["0", "false", "NO", "Off"])
def test_a_flag_is_false_in_several_spellings(name, value):
    assert environment.flag(name(value), default=True) is False


def test_a_flag_that_is_unset_or_empty_has_its_default(name):
    assert environment.flag("TIDEWIRE_UNSET", default=True) is True
    assert environment.flag(name(""), default=True) is True
    assert environment.flag("TIDEWIRE_UNSET") is False


def test_a_flag_that_is_neither_names_the_variable(name):
    with pytest.raises(ImproperlyConfigured, match="TIDEWIRE_TESTED must be 1 or 0, not 'maybe'"):
        environment.flag(name("maybe"))


def test_a_number_is_read_and_has_a_default(name):
    assert environment.number(name("0"), 7) == 0
    assert environment.number(name(""), 7) == 7
    assert environment.number("TIDEWIRE_UNSET", 7) == 7


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "٣", " 3"])
def test_what_is_no_whole_number_names_the_variable(name, value):
    with pytest.raises(ImproperlyConfigured, match="TIDEWIRE_TESTED must be a whole number"):
        environment.number(name(value), 7)


def test_words_are_trimmed_and_empty_ones_left_out(name):
    assert environment.words(name(" a.example , b.example,, ")) == ["a.example", "b.example"]
    assert environment.words("TIDEWIRE_UNSET", "x,y") == ["x", "y"]


@pytest.mark.parametrize("value", [None, ""])
def test_a_required_variable_that_is_unset_or_empty_says_how_to_set_it(monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("TIDEWIRE_TESTED", value)
    with pytest.raises(ImproperlyConfigured, match=r"TIDEWIRE_TESTED is not set\. Ask the sea."):
        environment.required("TIDEWIRE_TESTED", "Ask the sea.")


def test_the_development_file_fills_in_what_is_unset_and_nothing_else(monkeypatch, tmp_path):
    monkeypatch.setenv("TIDEWIRE_HERS", "set")
    monkeypatch.setenv("TIDEWIRE_EMPTY", "")
    monkeypatch.setenv("TIDEWIRE_NEW", "to be removed again")
    monkeypatch.delenv("TIDEWIRE_NEW")
    file = tmp_path / "environment"
    file.write_text("# comment=1\nTIDEWIRE_HERS=other\nTIDEWIRE_EMPTY=other\nTIDEWIRE_NEW=a=b\nno separator\n")

    environment.adopt_development_environment(file)

    assert [os.environ[name] for name in ("TIDEWIRE_HERS", "TIDEWIRE_EMPTY", "TIDEWIRE_NEW")] == ["set", "", "a=b"]
    assert "# comment" not in os.environ


def test_without_a_development_file_nothing_is_adopted(tmp_path):
    before = dict(os.environ)
    environment.adopt_development_environment(tmp_path / "none")
    assert dict(os.environ) == before
