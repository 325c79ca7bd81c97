import stat

import pytest

from script.development.engines import without_password, without_secrets
from script.development.environment import chosen, development, read, write
from script.development.ports import wanted_port
from script.development.problems import Problem
from script.development.rooms import Room
from script.development.server import refuse_production


def test_only_the_owner_may_read_the_file_of_variables(tmp_path):
    write(tmp_path / "environment", {"SECRET_KEY": "a=b"})
    assert stat.S_IMODE((tmp_path / "environment").stat().st_mode) == 0o600
    assert read(tmp_path / "environment") == {"SECRET_KEY": "a=b"}


def test_the_secret_is_made_once_and_kept(tmp_path):
    first = development(Room(tmp_path), 8000, "postgresql:///a", "unix:///b")
    second = development(Room(tmp_path), 8001, "postgresql:///a", "unix:///b")
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert len(first["SECRET_KEY"]) >= 50
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_only_tidewires_own_settings_are_taken_from_the_caller():
    caller = {"DEBUG": "0", "TIDEWIRE_SOURCE": "https://a/", "PATH": "/bin", "TIDEWIRE_ROOM": "abc"}
    assert chosen(caller) == {"DEBUG": "0", "TIDEWIRE_SOURCE": "https://a/"}


@pytest.mark.parametrize("debug", ["0", "false", "No", ""])
def test_embedded_engines_are_refused_when_debug_is_off(debug):
    with pytest.raises(Problem, match="REDIS_URL"):
        refuse_production({"DEBUG": debug, "DATABASE_URL": "postgresql:///a"})


def test_engines_of_ones_own_are_served_with_debug_off():
    refuse_production({"DEBUG": "0", "DATABASE_URL": "postgresql:///a", "REDIS_URL": "redis://b"})


@pytest.mark.parametrize("value", ["eight", "0", "65536", "-1"])
def test_what_is_no_port_is_refused(value):
    with pytest.raises(Problem, match="is no port"):
        wanted_port(value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:hidden@host/db", "postgresql://ann:…@host/db"),
        ("redis://:hidden@host:6379/0", "redis://:…@host:6379/0"),
        ("postgresql:///db?user=ann&password=hidden&port=5", "postgresql:///db?user=ann&password=…&port=5"),
        ("redis://host/0", "redis://host/0"),
    ],
)
def test_a_url_is_shown_without_its_password(url, shown):
    assert without_password(url) == shown


def test_an_error_is_shown_without_the_password():
    url = "redis://:hidden@host/0"
    assert "hidden" not in without_secrets(f"cannot use {url} with hidden", url)
