"""Under which conditions a benchmark ran: figures mean nothing without them."""

import os
import platform
import statistics
import sys
from importlib.metadata import version
from pathlib import Path

import psycopg

PACKAGES = ("django", "channels", "channels-redis", "celery", "psycopg", "redis", "uvicorn", "websockets")


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def describe(database_url: str) -> None:
    """Print the machine, its load, the versions and the command."""
    with psycopg.connect(database_url) as connection:
        postgres = connection.info.server_version // 10000
        durable = [connection.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "synchronous_commit")]
    load = " ".join(f"{part:.2f}" for part in os.getloadavg())
    print(f"{processor()}, {os.cpu_count()} cores, load average {load}, Python {platform.python_version()}")
    print(f"PostgreSQL {postgres}, fsync {durable[0]}, synchronous_commit {durable[1]};", end=" ")
    print(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    print(f"python -m {' '.join([Path(sys.argv[0]).parent.name + '.' + Path(sys.argv[0]).stem, *sys.argv[1:]])}\n")


def line(name: str, milliseconds: list[float]) -> str:
    """Describe some durations."""
    if len(milliseconds) < 2:
        return f"{name:<44} nothing came"
    cuts = statistics.quantiles(milliseconds, n=100)
    figures = {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": max(milliseconds)}
    return f"{name:<44} {len(milliseconds):>7}  " + "  ".join(f"{key} {value:.2f} ms" for key, value in figures.items())
