"""Where a stack lives: its state, its engines' data and their sockets."""

import hashlib
import os
import pwd
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from script.development.problems import Problem

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED = Path("/var/lib/tidewire")
# The kernel allows 104 bytes on macOS and 108 on Linux, with the closing zero.
LONGEST_SOCKET_PATH = 100
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True)
class Account:
    """The user that the engines run as when it is not the caller."""

    uid: int
    gid: int

    def as_arguments(self) -> dict[str, Any]:
        """The arguments that make subprocess run a command as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def engine_account() -> Account | None:
    """Root gets the account `nobody`, since PostgreSQL refuses root; all others run engines themselves."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Problem(
            "PostgreSQL does not run as root and this machine has no user `nobody` to run it as: "
            "run this as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


class Room:
    """The folders of one stack; two rooms never share any of them."""

    def __init__(self, state: Path, identity: Path | None = None) -> None:
        self.state = Path(state).resolve()
        self.identity = Path(identity or self.state).resolve()
        self.key = hashlib.sha256(os.fsencode(self.identity)).hexdigest()[:12]
        self.account = engine_account()

    @classmethod
    def of_checkout(cls, checkout: Path = CHECKOUT) -> "Room":
        """The room of script/server in this checkout."""
        return cls(checkout / ".tidewire", identity=checkout)

    @property
    def data(self) -> Path:
        """Where the engines keep their files: with the state, unless they run as another account."""
        return SHARED / self.key if self.account else self.state

    @property
    def logs(self) -> Path:
        """Where each part's lines are kept."""
        return self.state / "logs"

    @cached_property
    def sockets(self) -> Path:
        """A short path, for a socket's path may only be about a hundred bytes long."""
        name = f"tidewire-{os.getuid()}-{self.key}"
        return temporary_folder(self.account, name) / name

    def make(self) -> None:
        """Make all folders, each private to the user it is for."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
            SHARED.chmod(0o755)
            make_private(self.data, self.account)
        make_private(self.sockets, self.account)

    def remove_sockets(self) -> None:
        """Leave nothing in the temp folder."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    def remove_engines(self) -> None:
        """Remove the engines' data and sockets for good."""
        self.remove_sockets()
        if self.account:
            shutil.rmtree(self.data, ignore_errors=True)
        else:
            for folder in self.data.glob("postgres-*"):
                shutil.rmtree(folder, ignore_errors=True)


def temporary_folder(account: Account | None, name: str) -> Path:
    """The temp folder, or /tmp where a socket's address cannot name it or the account cannot reach it."""
    folder = Path(tempfile.gettempdir()).resolve()
    odd = re.fullmatch(r"[\w/.-]+", str(folder), re.ASCII) is None
    too_long = len(os.fsencode(folder / name / LONGEST_SOCKET_NAME)) > LONGEST_SOCKET_PATH
    closed = account is not None and not all(is_open(part) for part in (folder, *folder.parents))
    return Path("/tmp") if odd or too_long or closed else folder


def is_open(folder: Path) -> bool:
    """Tell whether everyone may pass through a folder."""
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def make_private(folder: Path, account: Account | None) -> None:
    """Make a folder that only its owner may enter; one that somebody else made is refused."""
    owner = account.uid if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
            raise Problem(
                f"{folder} is not a folder of user {owner}, so nothing will be put there: "
                "find out who made it, remove it, and start again."
            ) from None
    folder.chmod(0o700)
