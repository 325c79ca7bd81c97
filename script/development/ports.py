"""The port of the web process, held against other runners of the same user."""

import errno
import fcntl
import os
import socket
from pathlib import Path
from typing import TextIO

from script.development.problems import Problem
from script.development.rooms import make_private, temporary_folder

FIRST = 8000
LAST = 8999


class Port:
    """A free port, kept from other runners until released, for the web process binds it only later."""

    def __init__(self, number: int, claim: TextIO) -> None:
        self.number = number
        self._claim = claim

    @classmethod
    def take(cls, wanted: int | None) -> "Port":
        """The wanted port or, if none is, the first free one from 8000 on."""
        if wanted is not None:
            port = cls._take(wanted)
            if port is None:
                raise Problem(
                    f"Port {wanted} of 127.0.0.1 is in use: stop what uses it, choose another by PORT, "
                    "or leave PORT unset for the next free one."
                )
            return port
        for number in range(FIRST, LAST + 1):
            if port := cls._take(number):
                return port
        raise Problem(f"All ports from {FIRST} to {LAST} are in use: choose another by PORT.")

    @classmethod
    def _take(cls, number: int) -> "Port | None":
        claim = claimed(number)
        if claim and is_free(number):
            return cls(number, claim)
        if claim:
            claim.close()
        return None

    def release(self) -> None:
        """Let others have it."""
        self._claim.close()


def claimed(number: int) -> TextIO | None:
    """The claim to a port; None when another runner has it."""
    name = f"tidewire-{os.getuid()}-ports"
    folder = temporary_folder(None, name) / name
    make_private(folder, None)
    claim = Path(folder, str(number)).open("w")  # noqa: SIM115 - held by its owner until released
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        claim.close()
        return None
    return claim


def is_free(number: int) -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket() as probe:
        # As servers do: connections that ended lately do not keep a port in use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except PermissionError:
            raise Problem(f"Port {number} is for root alone: choose one from 1024 on by PORT.") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    with socket.socket() as caller:
        # On macOS a port can be bound beside a server that listens on all addresses.
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", number)) != 0


def wanted_port(value: str | None) -> int | None:
    """The port that a PORT variable names; None when it names none."""
    if not value:
        return None
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise Problem(f"PORT is {value!r}, which is no port: give a number from 1 to 65535, or leave it unset.")
    return int(value)
