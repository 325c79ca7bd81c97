"""`manage.py webhooks deliver` sends webhooks as events happen; `secrets` brings them under the present secret key."""

import signal

from django.core.management.base import BaseCommand, CommandError, CommandParser

from webhooks import keys
from webhooks.deliverer import Deliverer


class Command(BaseCommand):
    """Deliver, or encrypt the endpoints' secrets anew."""

    help = (
        "deliver: make deliveries as the log grows and send what is due, for ever; several may run. "
        "secrets: encrypt with the present SECRET_KEY what an earlier one protects."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take `deliver` or `secrets`."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("deliver", help="Send webhooks as events happen; SIGTERM or Ctrl-C ends it.")
        verbs.add_parser("secrets", help="Safe beside a running server, and to be repeated.")

    def handle(self, *args, **options) -> None:
        """Run the verb."""
        {"deliver": self._deliver, "secrets": self._secrets}[options["verb"]]()

    def _secrets(self) -> None:
        renewed, lost = keys.encrypt_anew()
        self.stdout.write(f"{renewed} secrets are under the present SECRET_KEY now; the others were already.")
        if lost:
            raise CommandError(
                f"{lost} can be read with no known key and were left as they are: name the earlier SECRET_KEY in "
                "SECRET_KEY_FALLBACKS and run this again, or give those endpoints a new secret."
            )

    def _deliver(self) -> None:
        deliverer = Deliverer()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, frame: deliverer.stop())
        self.stdout.write("Delivering; SIGTERM or Ctrl-C ends it.")
        self.stdout.flush()
        deliverer.run()
