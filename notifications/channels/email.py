"""E-mail, by whatever backend Django is set up with: one message for all that waits, in the reader's language."""

import smtplib
from collections.abc import Collection, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import ngettext

from access.models import User
from notifications.channels import Failed, NoAddress, unsubscribing
from notifications.models import Channel, Notification

# So many are spelt out in one message; the rest is a number.
SHOWN = 50


class Email:
    """One message with a part in plain text and one in HTML."""

    name = Channel.EMAIL

    def is_on(self) -> bool:
        """Say whether there is a server to send by."""
        return bool(settings.TIDEWIRE_EMAIL_HOST)

    def delay(self) -> timedelta:
        """Return how long one has to read it here first."""
        return timedelta(seconds=settings.TIDEWIRE_EMAIL_DELAY_SECONDS)

    def reachable(self, users: Collection[int]) -> set[int]:
        """Return those who have an e-mail address."""
        rows = User.objects.filter(pk__in=users, is_active=True).exclude(email="")
        return set(rows.values_list("pk", flat=True))

    def send(self, user: User, rows: Sequence[Notification], number: int) -> None:
        """Send one message; whatever trouble the mail server has, it passes."""
        if not user.email or not user.is_active:
            raise NoAddress
        with translation.override(user.language), timezone.override(user.time_zone):
            message = compose(user, rows, number)
        try:
            message.send()
        except (smtplib.SMTPException, OSError) as error:
            raise Failed(f"{type(error).__name__}: {error}") from error


def compose(user: User, rows: Sequence[Notification], number: int) -> EmailMultiAlternatives:
    """Return the message, in the language and the time zone that are active."""
    site, link = settings.TIDEWIRE_SOURCE.rstrip("/"), unsubscribing.link(user.pk)
    shown = list(rows[:SHOWN])
    context = {"user": user, "rows": shown, "more": len(rows) - len(shown), "site": site, "unsubscribe": link}
    context["language"] = translation.get_language()
    headers = {
        # The same each time it is tried, so that mail servers know it again.
        "Message-ID": f"<notifications.{user.pk}.{number}@{urlsplit(site).hostname}>",
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }
    text = render_to_string("notifications/email.txt", context)
    message = EmailMultiAlternatives(_subject(rows), text, settings.DEFAULT_FROM_EMAIL, [user.email], headers=headers)
    message.attach_alternative(render_to_string("notifications/email.html", context), "text/html")
    return message


def _subject(rows: Sequence[Notification]) -> str:
    if len(rows) == 1:
        # A title may hold line breaks; a header may not.
        return " ".join(rows[0].text.split())[:150]
    return ngettext("%(count)d new notification", "%(count)d new notifications", len(rows)) % {"count": len(rows)}
