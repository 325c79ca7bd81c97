"""The page on which people choose how they are told things, and the one that ends their e-mail."""

from collections.abc import Iterator

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from access.models import User
from notifications import actions, channels
from notifications.channels import unsubscribing
from notifications.models import Channel
from notifications.pages.forms import PreferencesForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show what comes by which way and when, and replace it."""
    given = request.POST if request.method == "POST" else None
    form = PreferencesForm(given, wishes=actions.preferences_of(request.user))
    if form.is_valid():
        saved = actions.set_preferences(request.user, form.changes())
        # The page that shows it speaks the language that was just chosen.
        with translation.override(saved["language"]):
            messages.success(request, _("Saved."))
        return redirect("preferences")
    context = {"form": form, "lacks": list(_lacks(request.user))}
    return render(request, "notifications/preferences.html", context, status=400 if form.is_bound else 200)


def _lacks(user: User) -> Iterator[str]:
    """Yield why nothing comes by a channel, whatever the user wishes."""
    ways = channels.ways()
    if Channel.EMAIL not in ways:
        yield _("This server sends no e-mail at present.")
    elif not ways[Channel.EMAIL].reachable({user.pk}):
        yield _("No e-mail comes yet: your account has no address.")
    if Channel.WEB_PUSH not in ways:
        yield _("This server sends no web push at present.")
    elif not ways[Channel.WEB_PUSH].reachable({user.pk}):
        yield _("No web push comes yet: allow it on the page of notifications, on each device that should show it.")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the e-mail of whom the link was sent to; mail programs do so by one POST, without signing in (RFC 8058)."""
    user = User.objects.filter(pk=unsubscribing.user_of(token) or 0).first()
    is_done = user is not None and request.method == "POST"
    if is_done:
        actions.stop_email(user.pk)
    with translation.override(user.language if user else None):
        context = {"is_done": is_done, "user_known": user is not None}
        return render(request, "notifications/unsubscribe.html", context, status=200 if user else 404)
