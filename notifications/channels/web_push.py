"""Web push (RFC 8030, 8291, 8292): encrypted for each browser, sent by the push service that the browser named."""

import json
from collections.abc import Collection, Sequence
from datetime import timedelta

import requests
from django.conf import settings
from django.utils import translation
from django.utils.translation import ngettext
from pywebpush import WebPushException, webpush

from access.models import User
from notifications.channels import Failed, NoAddress
from notifications.channels.push_services import check_endpoint
from notifications.models import Channel, Notification, PushSubscription

TIMEOUT_SECONDS = 10
LIFE_SECONDS = 24 * 3600
GONE = (404, 410)


class NeverElsewhere(requests.Session):
    """A session that follows nobody, and takes no proxy or password from the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, *args, **kwargs):
        """Make the request; a redirect is an answer like others."""
        return super().request(*args, **kwargs | {"allow_redirects": False})


class WebPush:
    """One small message to each of the user's browsers."""

    name = Channel.WEB_PUSH

    def is_on(self) -> bool:
        """Say whether this server has a key to sign with."""
        return bool(settings.TIDEWIRE_WEB_PUSH_PRIVATE_KEY)

    def delay(self) -> timedelta:
        """Return no time: it is for what one wants to know now."""
        return timedelta(0)

    def reachable(self, users: Collection[int]) -> set[int]:
        """Return those who have a browser that shows them."""
        rows = PushSubscription.objects.filter(user__in=users, user__is_active=True)
        return set(rows.values_list("user", flat=True))

    def send(self, user: User, rows: Sequence[Notification], number: int) -> None:
        """Send to each browser that has not taken this message yet; one that is gone is forgotten."""
        browsers = list(PushSubscription.objects.filter(user=user, user__is_active=True))
        if not browsers:
            raise NoAddress
        with translation.override(user.language):
            data = json.dumps(message(rows))
        troubles = [self._send_one(each, data, number) for each in browsers if each.taken_number != number]
        if any(troubles):
            raise Failed(next(filter(None, troubles)))

    def _send_one(self, browser: PushSubscription, data: str, number: int) -> str:
        """Send to one browser; return the trouble that may pass, or nothing."""
        row = PushSubscription.objects.filter(pk=browser.pk)
        try:
            # Asked again: the settings may have changed since the browser was taken on.
            check_endpoint(browser.endpoint)
            post(browser, data)
        except ValueError:
            row.delete()
        except WebPushException as error:
            if error.status_code not in GONE:
                return f"The push service answered {error.status_code}."
            row.delete()
        except requests.RequestException as error:
            return type(error).__name__
        row.update(taken_number=number)
        return ""


def post(browser: PushSubscription, data: str) -> None:
    """Encrypt, sign and send."""
    webpush(
        {"endpoint": browser.endpoint, "keys": {"p256dh": browser.p256dh, "auth": browser.auth}},
        data=data,
        vapid_private_key=settings.TIDEWIRE_WEB_PUSH_PRIVATE_KEY,
        vapid_claims={"sub": settings.TIDEWIRE_WEB_PUSH_SUBJECT},
        ttl=LIFE_SECONDS,
        timeout=TIMEOUT_SECONDS,
        requests_session=NeverElsewhere(),
    )


def message(rows: Sequence[Notification]) -> dict:
    """Return what the browser shows, in the active language; the tag lets a later one take an earlier one's place."""
    if len(rows) == 1:
        return {"body": rows[0].text, "url": rows[0].subject_url, "tag": f"notification-{rows[0].pk}"}
    count = len(rows)
    text = ngettext("%(count)d new notification", "%(count)d new notifications", count) % {"count": count}
    return {"body": text, "url": "/notifications/", "tag": "notifications"}
