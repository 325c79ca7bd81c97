"""`manage.py demo`: people, feeds and entries to play with; for development only."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from access.models import User
from feeds import actions
from feeds.models import Entry, Feed

PASSWORD = "tidewire"
ENTRIES = {
    "alice": [
        "Hello! Whatever I publish here reaches everyone who has the page open, without a reload.",
        "Every entry is one row and one event, committed together or not at all.",
    ],
    "bob": ["I follow Alice. Open this page in two windows, like something, and watch the other one."],
}


class Command(BaseCommand):
    """Seed the demo."""

    help = "Makes admin, alice, bob and carol (password: tidewire); bob and carol follow alice. May be run again."

    def handle(self, *args, **options) -> None:
        """Make what is not there yet."""
        if not settings.DEBUG:
            raise CommandError("The demo has well-known passwords; it is made only with DEBUG=1.")
        with transaction.atomic():
            made = [name for name in ("admin", "alice", "bob", "carol") if self._person(name)]
            self._follows()
            self._entries()
        self.stdout.write(f"The demo is ready ({len(made)} people made): admin, alice, bob, carol; password {PASSWORD}")

    def _person(self, name: str) -> bool:
        if User.objects.filter(username=name).exists():
            return False
        make = User.objects.create_superuser if name == "admin" else User.objects.create_user
        make(username=name, password=PASSWORD)
        return True

    def _follows(self) -> None:
        feed = Feed.objects.get(slug="alice")
        for name in ("bob", "carol"):
            actions.follow_feed(feed, by=User.objects.get(username=name))

    def _entries(self) -> None:
        for name, texts in ENTRIES.items():
            feed = Feed.objects.select_related("owner").get(slug=name)
            if not Entry.objects.filter(feed=feed).exists():
                for text in texts:
                    actions.publish_entry(feed, by=feed.owner, text=text)
