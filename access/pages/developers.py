"""The developers' pages: a live console with commands to copy, and one's keys, applications, grants and limits."""

from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from access import actions, limits
from access.models import ApiKey, Application, Grant
from access.pages import rows
from access.pages.forms import ApplicationForm, KeyForm
from access.pages.posts import signed_in_post
from events import log

LANGUAGES = {"curl": "curl", "javascript": "JavaScript", "python": "Python"}
TASKS = {
    "websocket": ("Follow by WebSocket", "All your subscriptions on one connection, both ways."),
    "sse": ("Follow by Server-Sent Events", "One subscription over plain HTTP; it resumes by itself."),
    "poll": ("Follow by long poll", "Where nothing else gets through, or for a server that rather asks."),
    "publish": ("Publish an event", "Of a declared type, on a topic that is granted to you."),
    "webhook": ("Verify a webhook", "Before anything reads the body as JSON."),
}
# So many of each are shown on the page of keys; the API has them all.
SHOWN_GRANTS = 50


@require_safe
def developers(request: HttpRequest) -> HttpResponse:
    """Show the console, and how to do it without."""
    chosen = request.GET.get("language", "")
    language = chosen if chosen in LANGUAGES else "curl"
    address = request.build_absolute_uri("/").rstrip("/")
    topics = "home,me" if request.user.is_authenticated else ""
    context = {
        "address": address,
        "cursor": _cursor(request),
        "topics": request.GET.get("topics", topics)[:500],
        "languages": LANGUAGES,
        "language": language,
        "snippets": _snippets(address, language, request.user.is_authenticated),
    }
    return render(request, "developers/developers.html", context)


def _cursor(request: HttpRequest) -> str:
    """Return from where on the page is live; one that answers a form has the head as it is now."""
    return getattr(request, "tidewire_cursor", None) or str(log.head().cursor)


def _snippets(address: str, language: str, is_known: bool) -> list[dict[str, str]]:
    """Return each task with the text that does it, filled in with the page's own address."""
    socket = "ws" + address.removeprefix("http")
    fields = {"address": address, "socket": socket, "topic": "home" if is_known else "feeds.1"}
    return [
        {"name": name, "title": title, "about": about, "text": _snippet(name, language, fields)}
        for name, (title, about) in TASKS.items()
    ]


def _snippet(name: str, language: str, fields: dict[str, str]) -> str:
    return render_to_string(f"developers/snippets/{name}.{language}.txt", fields).strip("\n")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """Show one's keys, what is granted and what is left; make a key, whose text this answer alone shows."""
    form = KeyForm(request.POST if request.method == "POST" else None, user=request.user)
    text = _new_key(request, form) if form.is_valid() else ""
    return _keys(request, {"form": KeyForm(user=request.user) if text else form, "text": text})


def _new_key(request: HttpRequest, form: KeyForm) -> str:
    try:
        return actions.create_key(request.user, **form.changes())[0]
    except ValidationError as error:
        form.add_error(None, error)
        return ""


def _keys(request: HttpRequest, more: dict[str, Any]) -> HttpResponse:
    """Show the page, with what came of a form on it."""
    user = request.user
    grants = Grant.objects.seen_by(user).valid().select_related("application").order_by("-pk")
    context = {
        "cursor": _cursor(request),
        "application_form": ApplicationForm(),
        "applications": Application.objects.filter(owner=user).order_by("name"),
        "grants": grants[:SHOWN_GRANTS],
        "shown_grants": SHOWN_GRANTS,
        "usage": _usage(user),
    }
    page = rows.page(request, ApiKey.objects.filter(user=user).select_related("application"))
    is_wrong = any(isinstance(each, Form) and each.errors for each in more.values())
    return render(request, "developers/keys.html", context | page | more, status=400 if is_wrong else 200)


def _usage(user: Any) -> list[dict[str, Any]]:
    """Return what is counted, each with its limit; 0 means that there is none."""
    return [
        {
            "what": "Events published this minute",
            "used": limits.taken(user.pk),
            "limit": settings.TIDEWIRE_USER_EVENTS_PER_MINUTE,
        },
        {
            "what": "Keys that are valid",
            "used": ApiKey.objects.valid().filter(user=user).count(),
            "limit": settings.TIDEWIRE_USER_MAX_KEYS,
        },
        {"what": "Applications", "used": user.applications.count(), "limit": settings.TIDEWIRE_USER_MAX_APPLICATIONS},
        {
            "what": "Grants of your own",
            "used": Grant.objects.valid().filter(user=user).count(),
            "limit": settings.TIDEWIRE_MAX_GRANTS,
        },
    ]


def on_own(model: Any, owner: str):
    """Let a signed-in user's POST do something to a row of theirs; another's is not there."""

    def decorate(view):
        @signed_in_post
        @wraps(view)
        def wrapped(request: HttpRequest, pk: int) -> HttpResponse:
            view(request, get_object_or_404(model, **{owner: request.user}, pk=pk))
            return redirect("developers-keys")

        return wrapped

    return decorate


@on_own(ApiKey, "user")
def revoke(request: HttpRequest, key: ApiKey) -> None:
    """End a key; it stays in the list."""
    ApiKey.objects.filter(pk=key.pk).revoke()
    messages.success(request, "The key is revoked. What it held open is closed.")


@signed_in_post
def new_application(request: HttpRequest) -> HttpResponse:
    """Make an application."""
    form = ApplicationForm(request.POST)
    if form.is_valid():
        try:
            actions.create_application(request.user, name=form.cleaned_data["name"])
        except ValidationError as error:
            form.add_error("name", error.messages)
        else:
            messages.success(request, "The application is there. Make a key for it.")
            return redirect("developers-keys")
    return _keys(request, {"form": KeyForm(user=request.user), "application_form": form})


@on_own(Application, "owner")
def delete_application(request: HttpRequest, application: Application) -> None:
    """Delete an application with its keys and grants."""
    application.delete()
    messages.success(request, "The application is deleted, with its keys and grants.")
