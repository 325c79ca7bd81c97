"""What pages with lists have in common: from where on they are live, and their pages."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from access.relations import kept_away_by
from events import log
from feeds.models import Feed
from feeds.timeline import Home

PAGE = 20

# What the page's own card is made of, which JavaScript copies for each entry or comment that arrives.
BLANK = SimpleNamespace(pk=0, author=SimpleNamespace(username="-"), feed=SimpleNamespace(is_personal=True), version=0)


def head(request: HttpRequest) -> str:
    """Return from where on the page is live: the log's head before any of its rows is read."""
    return getattr(request, "tidewire_cursor", None) or str(log.head().cursor)


def topics_of(user: Any, feeds: QuerySet[Feed]) -> list[str]:
    """Return those topics of the feeds that the user may read, and their own."""
    names = [f"feeds.{pk}" for pk in feeds.readable_by(user).values_list("pk", flat=True)]
    if user.is_authenticated:
        names += [f"feeds.{pk}.followers" for pk in feeds.followed_by(user).values_list("pk", flat=True)]
        names.append("me")
    return names


def page_of(request: HttpRequest, rows: QuerySet | Home, parameter: str = "before") -> dict[str, Any]:
    """Return a page of rows, newest first, and before which row the next one starts."""
    asked = request.GET.get(parameter, "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    rows = rows.filter(pk__lt=before) if before else rows
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return {"rows": found[:PAGE], "older": found[PAGE - 1].pk if len(found) > PAGE else None, "is_first": not before}


def show(request: HttpRequest, template: str, cursor: str, topics: list[str], context: dict[str, Any]) -> HttpResponse:
    """Render a page with what makes it live; one that shows a form's errors is a 400."""
    viewer, path = request.user.pk, request.get_full_path()
    context |= {"cursor": cursor, "topics": ",".join(topics), "viewer": viewer, "full_path": path}
    if viewer:
        context["away"] = ",".join(map(str, kept_away_by(viewer, muted="home" in topics)))
    context |= {"blank": _with_menus(request, context)}
    return render(request, template, context, status=400 if context["form"].errors else 200)


def _with_menus(request: HttpRequest, context: dict[str, Any]) -> SimpleNamespace:
    """Give each entry its menu, and return what the mould is made of, which has all that any of them may have.

    There are two menus, the author's and everybody else's, rendered once: most of what makes a card slow is in them.
    What is filled in is a number and a quoted name.
    """
    if not (viewer := context["viewer"]):
        return BLANK
    whole = context.get("entry")
    own, others = (_menu(request, own=own, whole=whole) for own in (True, False))
    for entry in [whole] if whole else context["rows"]:
        text = own if entry.author_id == viewer else others
        text = text.replace("/0/", f"/{entry.pk}/").replace("/feeds/-/", f"/feeds/{quote(entry.author.username)}/")
        entry.menu = mark_safe(text)
    return SimpleNamespace(**vars(BLANK), menu=mark_safe(own + others))


def _menu(request: HttpRequest, **context: Any) -> str:
    return render_to_string("feeds/_menu.html", context, request)
