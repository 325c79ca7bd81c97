"""`manage.py events tail`: the log as it grows; `relay`: let it grow; `new-epoch`: end the life of all cursors."""

import signal
import time

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from events import catalogue, cursor, log
from events.encoding import encode
from events.models import LogHead
from events.resident import Resident

POLL_SECONDS = 0.5
PAGE = 200


class Command(BaseCommand):
    """Look at the log, relay into it, or begin a new epoch after a restore."""

    help = (
        "tail: print events as they come, one JSON object a line. relay: move committed events to the log, for ever. "
        "new-epoch: after a restore, let all cursors end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take `tail [--topic T] [--after C]`, `relay` and `new-epoch`."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        tail = verbs.add_parser("tail", help="Print events as they come; Ctrl-C ends it.")
        tail.add_argument("--topic", action="append", help="Only this topic; may be given several times.")
        tail.add_argument("--after", help="Begin after this cursor; without it, at the head.")
        tail.add_argument("--once", action="store_true", help="Stop at the head instead of waiting for more.")
        verbs.add_parser("relay", help="Move committed events to the log as they come; SIGTERM or Ctrl-C ends it.")
        verbs.add_parser("new-epoch", help="Mint a new epoch: every cursor given before is answered by a reset.")

    def handle(self, *args, **options) -> None:
        """Run the verb."""
        if options["verb"] == "new-epoch":
            return self._new_epoch()
        if options["verb"] == "relay":
            return self._relay()
        try:
            self._tail(options["topic"], options["after"], options["once"])
        except KeyboardInterrupt:
            return None

    def _tail(self, topics: list[str] | None, after: str | None, once: bool) -> None:
        position = self._start(topics, after)
        while True:
            head = log.head()
            page = log.page(topics, after=position, upto=head.position, limit=PAGE)
            for event in page.events:
                self.stdout.write(encode(log.as_cloud_event(event, head.epoch)))
            self.stdout.flush()
            position = page.position
            if position >= head.position:
                if once:
                    return
                time.sleep(POLL_SECONDS)

    def _start(self, topics: list[str] | None, after: str | None) -> int:
        for topic in topics or []:
            if not catalogue.is_topic(topic):
                raise CommandError(f"{topic!r} is not a topic; write for example feeds.42.")
        head = log.head()
        try:
            place = cursor.parse(after) if after else head.cursor
        except cursor.InvalidCursor as error:
            raise CommandError(str(error)) from None
        if reason := head.refuses(place):
            raise CommandError(f"The log cannot go on from {place} ({reason}). It ends at {head.cursor}.")
        return place.position

    def _relay(self) -> None:
        resident = Resident()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, frame: resident.stop())
        self.stdout.write("Relaying; SIGTERM or Ctrl-C ends it.")
        self.stdout.flush()
        resident.run()

    def _new_epoch(self) -> None:
        with transaction.atomic():
            head = LogHead.objects.select_for_update().get(pk=1)
            head.epoch = cursor.new_epoch()
            head.save(update_fields=["epoch"])
        self.stdout.write(f"Cursors now begin with {head.epoch}-. Readers with older ones will be told to reset.")
