"""`manage.py apikey create --user alice`: print a new key, and nothing else, on stdout."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access import keys
from access.models import Application, User


class Command(BaseCommand):
    """Make API keys."""

    help = "create: make a key that acts with all the user's rights. Its text is printed once and kept nowhere."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take `create --user NAME [--application NAME]`."""
        create = parser.add_subparsers(dest="verb", required=True).add_parser("create")
        create.add_argument("--user", required=True, help="Whose rights the key has.")
        create.add_argument("--application", default="", help="The application it belongs to; made if need be.")

    def handle(self, *args, user: str, application: str, **options) -> None:
        """Make the key; words go to stderr."""
        owner = User.objects.filter(username=user, is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user {user!r}. Sign up on the page, or run manage.py demo.")
        program = Application.objects.get_or_create(owner=owner, name=application[:100])[0] if application else None
        text = keys.mint(owner, name=application[:100], application=program)
        self.stderr.write(f"A key for {owner}. Keep it: it is not shown again.")
        self.stdout.write(text)
