import os
import shutil
import time
from pathlib import Path

import pytest

from script.development import test as suite
from script.development.locks import Lock


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(suite.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def folder(here, name, *, age=120):
    state = here / f"{suite.PREFIX}{name}"
    state.mkdir()
    os.utime(state, (time.time() - age,) * 2)
    return state


def test_what_a_killed_run_left_is_removed(here):
    state = folder(here, "killed")
    suite.remove_abandoned()
    assert not state.exists()


def test_what_a_run_holds_or_has_only_begun_is_left_alone(here):
    held, young = folder(here, "held"), folder(here, "young", age=0)
    lock = Lock(held / "lock")
    os.utime(held, (time.time() - 120,) * 2)
    suite.remove_abandoned()
    lock.release()
    assert held.exists() and young.exists()


def test_a_folder_that_its_own_run_removes_meanwhile_is_no_error(here, monkeypatch):
    ending, killed = folder(here, "ending"), folder(here, "killed")

    def listed(*_):
        shutil.rmtree(ending)
        return [ending, killed]

    monkeypatch.setattr(Path, "glob", listed)
    suite.remove_abandoned()
    assert not killed.exists()
