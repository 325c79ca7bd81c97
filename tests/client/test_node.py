"""The browser client's own tests run in Node, where tabs, network and time are the test's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
CLIENT = CHECKOUT / "static/tidewire"
OLDEST = 18
GZIPPED_BYTES_MAX = 8192


@pytest.fixture(scope="module")
def node():
    """The Node to run; a check run must not do without."""
    path = shutil.which("node")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Node is not installed, and a check run must not leave the client out.")
        pytest.skip("Node is not installed, so the client's own tests are left out (apt-get install nodejs).")
    return path


def test_the_client_holds_in_every_tab_and_on_every_network(node):
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert int(version.removeprefix("v").split(".")[0]) >= OLDEST, f"Node {version} is too old."
    files = sorted(str(path) for path in (CHECKOUT / "tests/client").glob("*.test.js"))
    run = subprocess.run([node, "--test", *files], cwd=CHECKOUT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout or "fail 0" in run.stdout


def test_the_client_is_small():
    files = [CLIENT / "tidewire.js", *sorted((CLIENT / "client").glob("*.js"))]
    gzipped = subprocess.run(["gzip", "-9", "-c", *files], capture_output=True, check=True, timeout=60).stdout
    assert len(gzipped) < GZIPPED_BYTES_MAX
