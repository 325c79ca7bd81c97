"""The page of the inbox, and the badge on every page."""

from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from access.pages.posts import signed_in_post
from notifications import actions
from notifications.models import Notification
from notifications.models.inbox import badge

PAGE = 20

# What the page's own row is made of, which JavaScript copies for each notification that arrives.
BLANK = SimpleNamespace(pk=0, version=0, subject_url="/")


def unread_badge(request: HttpRequest) -> dict[str, Any]:
    """Give the pages the number of unread notifications; nothing is asked of the database until one shows it."""
    return {"badge": SimpleLazyObject(partial(_inbox_of, request))}


def _inbox_of(request: HttpRequest) -> SimpleNamespace:
    """Return the count and its version: the change after it brings the exact count."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return SimpleNamespace(version=0, unread_count=0)
    version, unread_count = badge(user.pk)
    return SimpleNamespace(version=version, unread_count=unread_count)


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the inbox, newest first."""
    asked = request.GET.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    rows = Notification.objects.of(request.user).order_by("-pk")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    older = found[PAGE - 1].pk if len(found) > PAGE else None
    context = {"rows": found[:PAGE], "older": older, "is_first": not before, "blank": BLANK}
    with translation.override(request.user.language):
        for row in context["rows"]:
            row.said = row.text
    return render(request, "notifications/inbox.html", context | {"cursor": request.tidewire_cursor, "topics": "me"})


@signed_in_post
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all as read, up to the newest that the page has shown."""
    up_to = request.POST.get("up_to", "")
    actions.read_up_to(request.user, int(up_to) if up_to.isascii() and up_to.isdigit() and len(up_to) < 19 else None)
    return redirect("inbox")


@signed_in_post
def read_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one as read."""
    # It may be withdrawn in between; then there is nothing to read.
    with suppress(Notification.DoesNotExist):
        actions.change(get_object_or_404(Notification.objects.of(request.user), pk=pk), read=True)
    return redirect("inbox")
