"""Servers of a benchmark's own: the same engines and parts as script/server, in a folder that is removed afterwards."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from script.development.application import Application, Place, beat, deliver, migrate, relay, web, worker
from script.development.children import Part
from script.development.stack import Stack

# As in production, but without TLS, with limits that no load meets, and with receivers on this machine.
SETTINGS = {
    "DEBUG": "0",
    "TIDEWIRE_HTTPS": "0",
    "TIDEWIRE_LIMITS": "development",
    "TIDEWIRE_LOG_LEVEL": "WARNING",
    "TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE": "1",
}
PARTS = {"web": web, "relay": relay, "deliver": deliver, "worker": worker, "beat": beat}


@contextmanager
def server(*names: str) -> Iterator[Stack]:
    """Run the engines, durable as in production, and these parts; no demo."""

    def kept(place: Place) -> Sequence[Part]:
        return [PARTS[name](place) for name in names]

    application = Application(
        before=lambda place: [migrate(place)],
        kept=kept,
        beside=lambda place: [],
        ready_path="/readyz" if "web" in names else "",
    )
    with (
        tempfile.TemporaryDirectory(prefix="tidewire-bench-") as folder,
        Stack(Path(folder), environment=SETTINGS, application=application) as stack,
    ):
        yield stack
