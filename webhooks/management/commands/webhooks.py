"""`manage.py webhooks deliver`: send webhooks as events happen, for ever."""

import signal

from django.core.management.base import BaseCommand, CommandParser

from webhooks.deliverer import Deliverer


class Command(BaseCommand):
    """Deliver."""

    help = "deliver: make deliveries as the log grows and send what is due, for ever; several may run."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take `deliver`."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("deliver", help="Send webhooks as events happen; SIGTERM or Ctrl-C ends it.")

    def handle(self, *args, **options) -> None:
        """Run the verb."""
        deliverer = Deliverer()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, frame: deliverer.stop())
        self.stdout.write("Delivering; SIGTERM or Ctrl-C ends it.")
        self.stdout.flush()
        deliverer.run()
