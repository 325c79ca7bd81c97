"""script/server for a checkout without Django: python runner.py CHECKOUT."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from script.development.application import Application
from script.development.server import main

PROGRAMS = Path(__file__).resolve().parent


def program(place, name, file, *arguments):
    return place.part(name, str(PROGRAMS / file), *map(str, arguments), grace_seconds=3)


APPLICATION = Application(
    before=lambda place: [program(place, "migrate", "once.py", 0, "migrated")],
    kept=lambda place: [
        program(place, "web", "web.py", place.port),
        program(place, "worker", "worker.py"),
        program(place, "beat", "beat.py"),
    ],
    beside=lambda place: [program(place, "demo", "once.py", 0, "seeded")],
)

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), APPLICATION))
