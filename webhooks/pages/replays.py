"""The page of replays: what an endpoint did not get is sent anew, and how far that has come."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from access.pages import rows
from webhooks import actions
from webhooks.models import Endpoint, Replay
from webhooks.pages.endpoints import gone_is_not_found, live, on_own, own
from webhooks.pages.forms import ReplayForm
from webhooks.pages.states import with_state

# From when on one mostly wants it: what went wrong is seen within a day.
USUAL = timedelta(days=1)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_not_found
def replays(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the replays to an endpoint, the newest first; begin another one."""
    endpoint = with_state(own(request, pk))
    form = ReplayForm(request.POST if request.method == "POST" else None, initial={"since": timezone.now() - USUAL})
    if form.is_valid() and _started(request, endpoint, form):
        return redirect("replays-page", pk)
    page = rows.page(request, Replay.objects.filter(endpoint=endpoint))
    context = page | {"endpoint": endpoint, "form": form} | live(request, [endpoint])
    return render(request, "webhooks/replays.html", context, status=400 if form.is_bound else 200)


def _started(request: HttpRequest, endpoint: Endpoint, form: ReplayForm) -> bool:
    only, after = form.changes["only"], form.changes["position"]
    try:
        replay = actions.start_replay(endpoint, by=request.user, only=only, after=after)
    except actions.NotPossible as error:
        form.add_error(None, str(error))
        return False
    if replay.after > after:
        messages.warning(request, "It has begun. The log does not go back so far: it begins where the log does.")
    else:
        messages.success(request, "It has begun.")
    return True


@on_own
def cancel(request: HttpRequest, endpoint: Endpoint, replay: int) -> HttpResponse:
    """End a replay where it stands."""
    try:
        actions.cancel_replay(get_object_or_404(Replay, endpoint=endpoint, pk=replay))
        messages.success(request, "It is cancelled; what it has made stays.")
    except actions.NotPossible as error:
        messages.error(request, str(error))
    return redirect("replays-page", endpoint.pk)
