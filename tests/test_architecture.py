"""The rules of the house hold, and each bites: it is broken once here, in a copy, to see that the check finds it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
APPS = ["config", "events", "access", "feeds", "notifications", "webhooks"]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the house that may be damaged."""
    copy = tmp_path_factory.mktemp("house")
    for app in APPS:
        shutil.copytree(CHECKOUT / app, copy / app, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", copy)
    return copy


def lint(house):
    """Return what import-linter says of the house."""
    command = [sys.executable, "-c", LINT, "--no-cache"]
    return subprocess.run(command, cwd=house, capture_output=True, text=True, timeout=60).stdout


def test_every_contract_is_kept(house):
    said = lint(house)
    assert "0 broken" in said, said


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("webhooks/sender.py", "import feeds.models", "Apps point down; siblings never meet"),
        ("events/log.py", "import access.models", "Apps point down; siblings never meet"),
        ("feeds/utils.py", "", "Every module has a known name and a known height"),
        ("access/tasks.py", "def f():\n    import access.views", "Every module has a known name and a known height"),
        ("events/helpers.py", "", "The rooms of events, in the order an event walks through them"),
        ("events/relay.py", "import events.actions", "The rooms of events, in the order an event walks through them"),
        ("events/live/ring.py", "import events.live.hub", "The live side: a hub, its readers, the transports"),
        ("feeds/receivers.py", "import events.relay", "Other apps enter events by its front door"),
        ("feeds/models/entry.py", "import celery", "Facts know neither HTTP, sockets nor queues"),
        ("webhooks/sender.py", "import rest_framework", "Engines are plain functions: no Celery, no web framework"),
    ],
)
def test_a_contract_that_is_broken_is_named(house, module, line, contract):
    path = house / module
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + f"\n{line}\n")
    try:
        assert f"{contract} BROKEN" in lint(house)
    finally:
        path.unlink() if before is None else path.write_text(before)


@pytest.mark.parametrize(
    ("module", "code", "rule"),
    [
        ("feeds/views.py", "from channels.layers import get_channel_layer\n", "TID251"),
        ("webhooks/actions.py", "import aiohttp\n", "TID251"),
        ("feeds/views.py", "import requests\n", "TID251"),
        ("feeds/views.py", "from . import models\n", "TID252"),
        ("feeds/views.py", "print(1)\n", "T201"),
        ("feeds/views.py", "from datetime import datetime\n\ndatetime.now()\n", "DTZ005"),
        ("feeds/views.py", "try:\n    pass\nexcept Exception:\n    pass\n", "BLE001"),
    ],
)
def test_a_rule_of_style_that_is_broken_is_named(module, code, rule):
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "--stdin-filename", module, "-"]
    done = subprocess.run(command, cwd=CHECKOUT, input=code, capture_output=True, text=True, timeout=60)
    assert rule in done.stdout
