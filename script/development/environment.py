"""The variables that Tidewire's processes run with, and the file that keeps them for manage.py."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from script.development.rooms import Room

NAMES = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DEBUG",
    "ALLOWED_HOSTS",
    "TIDEWIRE_SOURCE",
    "TIDEWIRE_LIMITS",
    "TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE",
)
# Says which room a process belongs to; never a setting.
MARK = "TIDEWIRE_ROOM"


def development(room: Room, port: int, database_url: str, redis_url: str) -> dict[str, str]:
    """What a development stack runs with where its caller says nothing."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": kept_secret(room.state / "secret_key"),
        "DEBUG": "1",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "TIDEWIRE_SOURCE": f"http://127.0.0.1:{port}/",
        "TIDEWIRE_LIMITS": "development",
        "TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE": "1",
    }


def chosen(caller: Mapping[str, str]) -> dict[str, str]:
    """Those of the caller's variables that are Tidewire's settings."""
    return {name: value for name, value in caller.items() if is_setting(name)}


def others(caller: Mapping[str, str]) -> dict[str, str]:
    """Those of the caller's variables that are not Tidewire's settings."""
    return {name: value for name, value in caller.items() if not is_setting(name) and name != MARK}


def is_setting(name: str) -> bool:
    """Tell whether Tidewire reads this variable."""
    return name in NAMES or (name.startswith("TIDEWIRE_") and name != MARK)


def is_debugging(variables: Mapping[str, str]) -> bool:
    """Tell whether these say that this is no production; a development stack's default is that it is none."""
    return variables.get("DEBUG", "1").strip().lower() not in ("", "0", "false", "no", "off")


def kept_secret(path: Path) -> str:
    """The same random secret at each call, made at the first."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(50) + "\n")
    return path.read_text().strip()


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Replace the file of variables; only its owner may read it."""
    single = {name: value for name, value in variables.items() if "\n" not in value}
    write_private(path, "".join(f"{name}={value}\n" for name, value in sorted(single.items())))


def read(path: Path) -> dict[str, str]:
    """The variables in the file."""
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once and whole, with mode 0600."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(temporary, path)
