"""Sets a scene beside a running stack: dora, who has everything, and erin, who has nothing; prints where it all is.

Run in a process of its own, with the stack's variables: python -m script.development.scene.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import django

django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from access import keys  # noqa: E402
from access.actions import create_application, create_grant  # noqa: E402
from access.models import ApiKey, User  # noqa: E402
from config import pages  # noqa: E402
from feeds import actions as feeds  # noqa: E402
from feeds.models import Entry, Feed  # noqa: E402
from webhooks import actions as webhooks  # noqa: E402
from webhooks.models import Attempt, Delivery, Endpoint, Replay  # noqa: E402

PASSWORD = "tidewire"
TEXTS = [
    "Low water at six, and the wreck off the point stands dry to her keel.",
    "Wind north-west five, backing. The ferry stays in until noon.",
    "שתי סירות חזרו עם שחר, והשלישית עוד בחוץ.",
    "A line without a break: " + "tide" * 30,
    "Three paragraphs.\n\nThe second one says a little more, so that it goes over the end of any line.\n\nE.",
    "Seen from the mole: two seals, one ringed plover, no herring.",
]
STATES: dict[str, dict[str, Any]] = {
    "healthy": {"description": "The shop's stock"},
    "failing": {"failures_in_row": 4, "failing_since": -40},
    "postponed": {"failures_in_row": 12, "failing_since": -300, "postponed_until": 4},
    "paused": {"enabled": False},
    "off": {"enabled": False, "disabled_reason": "The receiver answered 410 Gone."},
}
MOMENTS = ("failing_since", "postponed_until")
random = Random(7)


def person(name: str) -> User:
    """Make somebody, or find them again."""
    user, is_new = User.objects.get_or_create(username=name)
    if is_new:
        user.set_password(PASSWORD)
        user.save()
    return user


def furnish_feed(dora: User) -> dict[str, Any]:
    """Give dora entries, with comments and likes of others."""
    feed = Feed.objects.get(owner=dora, slug=dora.username)
    others = list(User.objects.filter(username__in=("alice", "bob", "carol")))
    for other in others:
        feeds.follow_feed(feed, by=other)
        feeds.follow_feed(Feed.objects.get(slug=other.username), by=dora)
    entries = [feeds.publish_entry(feed, by=dora, text=text) for text in TEXTS * 4]
    feeds.publish_entry(feed, by=dora, text="For those who follow.", visibility=Entry.Visibility.FOLLOWERS)
    for other in others:
        feeds.like_entry(entries[0], by=other)
        feeds.comment_on(entries[0], by=other, text=f"Seen from here too, says {other.username}.")
    return {"feed": feed.slug, "feed_id": feed.pk, "entry": entries[0].pk}


def furnish_endpoints(dora: User) -> dict[str, Any]:
    """Give dora an endpoint in each state; the healthy one with a week of deliveries."""
    places: dict[str, Any] = {}
    for name, fields in STATES.items():
        # What others do on this server never matches: nothing is sent to where nobody is.
        url = f"https://{name}.example/hooks/tidewire"
        endpoint = webhooks.create_endpoint(dora, url=url, topics=["scene.*"], event_types=["feeds.entry.*"])
        moments = {key: in_minutes(fields[key]) for key in MOMENTS if key in fields}
        Endpoint.objects.filter(pk=endpoint.pk).update(**fields | moments)
        places[name] = endpoint.pk
    healthy = Endpoint.objects.get(pk=places["healthy"])
    Delivery.objects.bulk_create(deliveries(healthy))
    made = list(Delivery.objects.filter(endpoint=healthy).order_by("pk"))
    Attempt.objects.bulk_create(attempt for delivery in made for attempt in tries(delivery))
    places["delivery"] = next(each.pk for each in reversed(made) if each.status == Delivery.Status.EXHAUSTED)
    places["succeeded"] = made[-1].pk
    Replay.objects.create(
        endpoint=healthy, only="failed", after=0, upto=9, position=9, made=3, status="done", finished_at=timezone.now()
    )
    Replay.objects.create(
        endpoint=healthy, only="all", after=0, upto=9, position=4, made=2, status="failed", error="It could not go on."
    )
    return places


def in_minutes(minutes: float) -> Any:
    """Return the moment that is so many minutes away."""
    return timezone.now() + timedelta(minutes=minutes)


def deliveries(endpoint: Endpoint) -> Iterator[Delivery]:
    """Yield a week of deliveries, the last hours with trouble in them."""
    for number in range(600):
        minutes = -7 * 24 * 60 * (1 - number / 600) ** 2
        is_troubled = -500 < minutes < -420
        status = Delivery.Status.SUCCEEDED
        if is_troubled or random.random() < 0.03:
            status = random.choice([Delivery.Status.EXHAUSTED, Delivery.Status.FAILED, Delivery.Status.SUCCEEDED])
        if number in (590, 595):
            status = Delivery.Status.PENDING
        yield Delivery(
            endpoint=endpoint,
            event_id=UUID(int=random.getrandbits(128)),
            event_type=random.choice(["feeds.entry.published", "feeds.entry.counted", "feeds.comment.published"]),
            position=0,
            status=status,
            attempts=1 if status == Delivery.Status.SUCCEEDED else 4,
            next_attempt_at=in_minutes(120) if status == Delivery.Status.PENDING else None,
            last_status_code=204 if status == Delivery.Status.SUCCEEDED else 503,
            reason="" if status == Delivery.Status.SUCCEEDED else "The receiver answered 503.",
            created_at=in_minutes(minutes),
        )


def tries(delivery: Delivery) -> Iterator[Attempt]:
    """Yield the tries of a delivery: nearly all succeed at once."""
    for number in range(1, delivery.attempts + 1):
        yield Attempt(
            delivery=delivery,
            number=number,
            url=delivery.endpoint.url,
            started_at=delivery.created_at + timedelta(minutes=5 * (number - 1)),
            duration_ms=int(random.lognormvariate(4.4, 0.5)),
            status_code=delivery.last_status_code,
            error=delivery.reason,
            request_headers={"content-type": "application/cloudevents+json", "webhook-id": str(delivery.event_id)},
            response_headers={"content-type": "text/plain", "retry-after": "120"},
            response_body="" if delivery.status == Delivery.Status.SUCCEEDED else "upstream is resting",
        )


def furnish_access(dora: User, staff: User) -> dict[str, Any]:
    """Give dora an application, keys and grants."""
    application = create_application(dora, name="Harbour office")
    keys.make(dora, name="Tide gauge", application=application, expires_at=in_minutes(60 * 24 * 30))
    keys.make(dora, name="Old laptop")
    ApiKey.objects.filter(user=dora, name="Old laptop").revoke()
    create_grant(by=staff, topic="harbour.gauge.*", right="publish", user=dora)
    create_grant(by=staff, topic="harbour.*", right="read", application=application, expires_at=in_minutes(60 * 24 * 7))
    return {"key": keys.mint(dora, name="Scene"), "application": application.pk}


def error_pages() -> dict[str, str]:
    """Return the pages of errors as visitors see them: in development Django shows its own."""
    request = RequestFactory().get("/nowhere/")
    request.user = AnonymousUser()
    made = {
        "403": pages.forbidden(request, Exception()),
        "404": pages.not_found(request, Exception()),
        "500": pages.server_error(request),
    }
    return {status: response.content.decode() for status, response in made.items()}


def admin_lists() -> dict[str, str]:
    """Return the addresses of the admin's lists by their names."""
    models = [model._meta for model in admin.site._registry]
    return {each.model_name or "": reverse(f"admin:{each.app_label}_{each.model_name}_changelist") for each in models}


def main() -> None:
    """Make it all, once, and print it."""
    staff = User.objects.get(username="admin")
    dora, _erin = person("dora"), person("erin")
    places = furnish_feed(dora) | furnish_endpoints(dora) | furnish_access(dora, staff)
    print(json.dumps({"places": places, "errors": error_pages(), "admin": admin_lists()}))


if __name__ == "__main__":
    main()
