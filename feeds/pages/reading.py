"""The pages on which people read: home, a feed, an entry."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from access.models import Block, Mute
from feeds import actions
from feeds.models import Comment, Entry, Feed
from feeds.pages.forms import CommentForm, EntryForm
from feeds.pages.lists import PAGE, head, page_of, show, topics_of
from feeds.timeline import Home


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the entries of the feeds that one follows, or everyone's; publish in one's own feed."""
    cursor, user = head(request), request.user
    own = next(iter(connection.recall(_personal_of, user.pk)), None) if user.is_authenticated else None
    form = EntryForm(request.POST if request.method == "POST" else None)
    if form.is_bound and (done := _publish(request, own, form)):
        return done
    everyone = own is None or request.GET.get("from") == "everyone"
    rows = Home(user, brief=True)
    if everyone:
        rows = Entry.objects.readable_by(user).alive().shown_to(user).for_viewer(user)
    page = page_of(request, rows)
    shown = Feed.objects.filter(pk__in={entry.feed_id for entry in page["rows"]})
    topics = topics_of(user, shown) if everyone else ["home", "me"]
    return show(request, "feeds/home.html", cursor, topics, page | {"form": form, "own": own, "everyone": everyone})


def _personal_of(user_id: int) -> QuerySet[Feed]:
    return Feed.objects.filter(owner=user_id, is_personal=True)


@require_http_methods(["GET", "HEAD", "POST"])
def feed(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a feed; its owner publishes in it."""
    cursor, user = head(request), request.user
    feed = get_object_or_404(Feed.objects.visible_to(user).for_viewer(user), slug=slug)
    form = EntryForm(request.POST if request.method == "POST" else None)
    if form.is_bound and (done := _publish(request, feed, form)):
        return done
    page = page_of(request, Entry.objects.alive().filter(feed=feed).readable_by(user).shown_to(user).for_viewer(user))
    is_own = feed.owner_id == user.pk
    theirs = _follows(request, feed) if is_own else _kept_away(user, feed)
    context = page | {"feed": feed, "form": form, "is_own": is_own} | theirs
    return show(request, "feeds/feed.html", cursor, topics_of(user, Feed.objects.filter(pk=feed.pk)), context)


@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an entry with its comments, the newest at the end; comment on it."""
    cursor, user = head(request), request.user
    entry = get_object_or_404(Entry.objects.alive().readable_by(user).for_viewer(user), pk=pk)
    form = CommentForm(request.POST if request.method == "POST" else None)
    if form.is_bound:
        if not user.is_authenticated:
            return redirect_to_login(request.path)
        if form.is_valid() and (comment := _comment(entry, user, form)):
            return redirect(f"{request.path}#comment-{comment.pk}")
    page = page_of(request, Comment.objects.alive().filter(entry=entry).shown_to(user).for_viewer())
    page["rows"].reverse()
    topics = topics_of(user, Feed.objects.filter(pk=entry.feed_id))
    return show(request, "feeds/entry.html", cursor, topics, page | {"entry": entry, "form": form})


def _comment(entry: Entry, user: Any, form: CommentForm) -> Comment | None:
    """Comment on the entry; nothing is returned when what is answered is not there."""
    try:
        return actions.comment_on(entry, by=user, **form.cleaned_data)
    except Entry.DoesNotExist:
        raise Http404("This entry was deleted.") from None
    except ValidationError as error:
        form.add_error("text", error.messages[0])
        return None


def _publish(request: HttpRequest, feed: Feed | None, form: EntryForm) -> HttpResponse | None:
    """Publish what the form says and go back to the page; nothing is returned when the form has errors."""
    if not request.user.is_authenticated or feed is None:
        return redirect_to_login(request.path)
    if not form.is_valid():
        return None
    given = {name: value for name, value in form.cleaned_data.items() if value}
    entry = actions.publish_entry(feed, by=request.user, **given)
    return redirect(f"{request.path}#entry-{entry.pk}")


def _follows(request: HttpRequest, feed: Feed) -> dict[str, Any]:
    """Return what its owner sees of who follows the feed: the newest requests, and a page of the followers."""
    requests = feed.follows.pending().order_by("-pk")[:PAGE]
    return {"requests": requests, "followers": page_of(request, feed.follows.accepted(), "followers_before")}


def _kept_away(user: Any, feed: Feed) -> dict[str, bool]:
    """Return whether the user keeps the feed's owner away."""
    if not user.is_authenticated:
        return {}
    return {
        "is_muted": Mute.objects.active().filter(muter=user, muted=feed.owner_id).exists(),
        "is_blocked": Block.objects.filter(blocker=user, blocked=feed.owner_id).exists(),
    }
