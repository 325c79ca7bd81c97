"""The processes of a benchmark: writers and a reader, so that no single interpreter is what is measured."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from script.development.rooms import CHECKOUT

START_SECONDS = 4.0


def start(environment: Mapping[str, str], module: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a module of the benchmarks."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, **environment}, **pipes)


def finish(process: subprocess.Popen[str]) -> Any:
    """End its input and return the JSON that it prints."""
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{process.args} failed")
    return json.loads(output)


def write(
    environment: Mapping[str, str], writers: int, rate: float, *arguments: str, topics: list[str] | None = None
) -> list[dict[str, Any]]:
    """Let so many writers commit so many events a second together, beginning at once; return what each says."""
    begin = ["--rate", str(rate / writers), "--start", str(time.time() + START_SECONDS), *arguments]
    named = ["--topics", *topics] if topics else []
    return [finish(one) for one in [start(environment, "writer", *begin, *named) for _ in range(writers)]]
