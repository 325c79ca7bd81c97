import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).parents[2] / "script" / "bootstrap"
MODERN = f'exec "{sys.executable}" "$@"'
WITHOUT_VENV = f'case "$*" in *ensurepip*) exit 1;; esac; {MODERN}'
TOO_OLD = "exit 1"


@pytest.fixture
def checkout(tmp_path):
    """A checkout in a path with spaces, whose installation only says with what it was called."""
    checkout = tmp_path / "a check out"
    (checkout / "script" / "development").mkdir(parents=True)
    shutil.copy(BOOTSTRAP, checkout / "script")
    (checkout / "script" / "development" / "install.py").write_text("import sys; print('installing', *sys.argv[1:])")
    (checkout / "requirements.txt").write_text("Django\n")
    (checkout / "requirements-dev.txt").write_text("pytest\n")
    return checkout


@pytest.fixture
def bootstrap(tmp_path, checkout):
    """Runs script/bootstrap from another folder, where only the given interpreters can be found."""

    def run(**interpreters):
        path = tmp_path / "path"
        path.mkdir(exist_ok=True)
        for tool in ("sh", "dirname", "cat", "cksum"):
            (path / tool).exists() or (path / tool).symlink_to(shutil.which(tool))
        for name, code in interpreters.items():
            write_program(path / name, code)
        command = [str(checkout / "script" / "bootstrap")]
        environment = {**os.environ, "PATH": str(path)}
        return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True)

    return run


def write_program(path, code):
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)


def test_without_a_python_it_says_how_to_get_one(bootstrap):
    done = bootstrap(python3=TOO_OLD)
    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_without_the_venv_module_it_says_how_to_get_it(bootstrap):
    done = bootstrap(python3=WITHOUT_VENV)
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_it_passes_over_a_python_that_is_too_old_or_has_no_venv(bootstrap):
    done = bootstrap(**{"python3.13": TOO_OLD, "python3.12": WITHOUT_VENV, "python3": MODERN})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("installing ")


def test_it_does_nothing_when_nothing_has_changed(bootstrap, checkout):
    stamp = bootstrap(python3=MODERN).stdout.removeprefix("installing ")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    write_program(checkout / ".venv" / "bin" / "python", MODERN)
    (checkout / ".venv" / "installed").write_text(stamp)
    done = bootstrap()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_installs_again_when_a_requirement_has_changed(bootstrap, checkout):
    before = bootstrap(python3=MODERN).stdout
    (checkout / "requirements-dev.txt").write_text("pytest\nruff\n")
    assert bootstrap(python3=MODERN).stdout not in ("", before)


def test_a_broken_venv_is_made_again_by_another_python(bootstrap, checkout):
    stamp = bootstrap(python3=MODERN).stdout.removeprefix("installing ")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    (checkout / ".venv" / "installed").write_text(stamp)
    assert bootstrap(python3=MODERN).stdout.startswith("installing ")
