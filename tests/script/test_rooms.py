import os
import stat
from pathlib import Path

import pytest

from script.development.problems import Problem
from script.development.rooms import LONGEST_SOCKET_NAME, Room, make_private


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path / "room")
    yield room
    if room.sockets.is_symlink():
        room.sockets.unlink()
    room.remove_engines()


def test_the_sockets_folder_is_private_to_the_engines_user(room):
    room.make()
    found = room.sockets.stat()
    owner = room.account.uid if room.account else os.geteuid()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == owner


def test_making_a_room_again_changes_nothing(room):
    room.make()
    (room.state / "kept").touch()
    room.make()
    assert (room.state / "kept").exists()


def test_a_folder_of_somebody_else_is_refused(room, foreign_folder):
    foreign_folder(room.sockets)
    with pytest.raises(Problem, match="is not a folder of user"):
        room.make()


def test_a_symbolic_link_is_refused_even_to_a_folder_of_ones_own(room, tmp_path):
    make_private(tmp_path / "own", room.account)
    room.sockets.symlink_to(tmp_path / "own")
    with pytest.raises(Problem, match="is not a folder of user"):
        room.make()


def test_a_long_temporary_folder_gives_way_to_a_short_one(tmp_path, monkeypatch):
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    sockets = Room(tmp_path / "room").sockets
    assert sockets.parent == Path("/tmp")
    assert len(str(sockets / LONGEST_SOCKET_NAME)) <= 100


def test_two_checkouts_share_no_folder(tmp_path):
    one, two = Room.of_checkout(tmp_path / "one"), Room.of_checkout(tmp_path / "two")
    assert {one.state, one.data, one.sockets}.isdisjoint({two.state, two.data, two.sockets})


def test_a_checkout_reached_by_a_link_has_the_same_room(tmp_path):
    (tmp_path / "checkout").mkdir()
    (tmp_path / "link").symlink_to("checkout")
    assert Room.of_checkout(tmp_path / "link").sockets == Room.of_checkout(tmp_path / "checkout").sockets
