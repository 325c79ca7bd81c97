"""A newcomer's first event: published by one button, and told by every way out at once."""

from uuid import uuid4

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from access.models import User
from access.pages.posts import signed_in_post
from feeds import actions
from feeds.models import Entry, Feed
from feeds.pages.forms import EntryForm
from notifications import inboxes
from notifications.kinds import Kind, Notice

SAYS = {
    "en": "Your first status is out: this notification is its echo.",
    "de": "Dein erster Status ist unterwegs: dies ist sein Echo.",
}


@signed_in_post
def welcome(request: HttpRequest) -> HttpResponse:
    """Publish what the form says as a status; of the first one its author is told, to see how that is."""
    form = EntryForm(request.POST)
    if form.is_valid():
        _publish(request.user, form.cleaned_data["text"])
    return redirect("home")


@transaction.atomic
def _publish(user: User, text: str) -> None:
    own = Feed.objects.get(owner=user, is_personal=True)
    is_first = not Entry.objects.filter(feed=own).exists()
    entry = actions.publish_entry(own, by=user, text=text, kind=Entry.Kind.STATUS)
    if is_first:
        inboxes.tell([(_echo(user, entry), uuid4())])


def _echo(user: User, entry: Entry) -> Notice:
    about = {"subject_type": "entry", "subject_id": str(entry.pk), "subject_url": f"/entries/{entry.pk}/"}
    return Notice(Kind.NOTICE, user.pk, None, "", **about, details={"text": SAYS})
