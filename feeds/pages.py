"""The pages of feeds. Links and plain forms make them work without JavaScript; their cursor lets them become live."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from events import log
from feeds import actions
from feeds.models import Comment, Entry, Feed, Follow
from feeds.models.comment import TEXT_MAX_LENGTH as COMMENT_MAX_LENGTH
from feeds.models.entry import TEXT_MAX_LENGTH as ENTRY_MAX_LENGTH
from feeds.timeline import Home

PAGE = 20
ANSWERS = {"accept": actions.accept_request, "decline": actions.decline_request, "remove": actions.remove_follower}
VISIBILITIES = {Entry.Visibility.PUBLIC: "Everyone", Entry.Visibility.FOLLOWERS: "Followers only"}

# What the page's own card is made of, which JavaScript copies for each entry or comment that arrives.
BLANK = SimpleNamespace(pk=0, author=SimpleNamespace(username="-"), feed=SimpleNamespace(is_personal=True), version=0)

View = Callable[..., HttpResponse]


class TextField(forms.CharField):
    """A text of several lines, whose line ends are those that the API has, whichever way it came in."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        """Turn the line ends that forms send into plain ones."""
        return super().to_python(value).replace("\r\n", "\n")


class EntryForm(forms.Form):
    """What is to be published, and for whom."""

    text = TextField(label="New entry", max_length=ENTRY_MAX_LENGTH, widget=forms.Textarea({"rows": 3}))
    visibility = forms.ChoiceField(label="Who may read it", choices=list(VISIBILITIES.items()), required=False)


class CommentForm(forms.Form):
    """What is said about an entry."""

    text = TextField(label="Your comment", max_length=COMMENT_MAX_LENGTH, widget=forms.Textarea({"rows": 2}))


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the entries of the feeds that one follows, or everyone's; publish in one's own feed."""
    cursor, user = _cursor(request), request.user
    own = Feed.objects.filter(owner=user, is_personal=True).first() if user.is_authenticated else None
    form = EntryForm(request.POST if request.method == "POST" else None)
    if form.is_bound and (done := _publish(request, own, form)):
        return done
    everyone = own is None or request.GET.get("from") == "everyone"
    rows = Home(user)
    if everyone:
        rows = Entry.objects.readable_by(user).alive().shown_to(user).for_viewer(user)
    page = _page(request, rows)
    shown = Feed.objects.filter(pk__in={entry.feed_id for entry in page["rows"]})
    topics = _topics(user, shown) if everyone else ["home", "me"]
    return _render(request, "feeds/home.html", cursor, topics, page | {"form": form, "own": own, "everyone": everyone})


@require_http_methods(["GET", "HEAD", "POST"])
def feed(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a feed; its owner publishes in it."""
    cursor, user = _cursor(request), request.user
    feed = get_object_or_404(Feed.objects.visible_to(user).for_viewer(user), slug=slug)
    form = EntryForm(request.POST if request.method == "POST" else None)
    if form.is_bound and (done := _publish(request, feed, form)):
        return done
    page = _page(request, Entry.objects.alive().filter(feed=feed).readable_by(user).shown_to(user).for_viewer(user))
    is_own = feed.owner_id == user.pk
    context = page | {"feed": feed, "form": form, "is_own": is_own} | (_follows(request, feed) if is_own else {})
    return _render(request, "feeds/feed.html", cursor, _topics(user, Feed.objects.filter(pk=feed.pk)), context)


@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an entry with its comments, the newest at the end; comment on it."""
    cursor, user = _cursor(request), request.user
    entry = get_object_or_404(Entry.objects.alive().readable_by(user).for_viewer(user), pk=pk)
    form = CommentForm(request.POST if request.method == "POST" else None)
    if form.is_bound:
        if not user.is_authenticated:
            return redirect_to_login(request.path)
        if form.is_valid():
            comment = _comment(entry, user, form.cleaned_data["text"])
            return redirect(f"{request.path}#comment-{comment.pk}")
    page = _page(request, Comment.objects.alive().filter(entry=entry).shown_to(user).for_viewer())
    page["rows"].reverse()
    topics = _topics(user, Feed.objects.filter(pk=entry.feed_id))
    return _render(request, "feeds/entry.html", cursor, topics, page | {"entry": entry, "form": form})


def _comment(entry: Entry, user: Any, text: str) -> Comment:
    try:
        return actions.comment_on(entry, by=user, text=text)
    except Entry.DoesNotExist:
        raise Http404("This entry was deleted.") from None


def signed_in_post(view: View) -> View:
    """Let the POST of a signed-in user pass; who is not is asked to sign in, and comes back to the page."""

    @require_POST
    @wraps(view)
    def wrapped(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(_back(request))
        return view(request, *args, **kwargs)

    return wrapped


@signed_in_post
def like(request: HttpRequest, pk: int) -> HttpResponse:
    """Like an entry, or take the like back: the form says which, so that sending it twice is harmless."""
    entry = get_object_or_404(Entry.objects.alive().readable_by(request.user), pk=pk)
    change = actions.like_entry if request.POST.get("liked") == "1" else actions.unlike_entry
    # It may end in between; then the page that is gone back to shows so.
    with suppress(Entry.DoesNotExist):
        change(entry, by=request.user)
    return redirect(f"{_back(request)}#entry-{pk}")


@signed_in_post
def follow(request: HttpRequest, slug: str) -> HttpResponse:
    """Follow a feed, or follow it no more: the form says which."""
    feed = get_object_or_404(Feed.objects.visible_to(request.user), slug=slug)
    change = actions.follow_feed if request.POST.get("following") == "1" else actions.unfollow_feed
    change(feed, by=request.user)
    return redirect("feed-page", slug)


@signed_in_post
def answer(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    """Accept or decline a request to follow one's own feed, or remove a follower: the form says which."""
    feed = get_object_or_404(Feed.objects.visible_to(request.user), slug=slug)
    decide = ANSWERS.get(request.POST.get("answer", ""))
    if decide is None:
        return redirect("feed-page", slug)
    # A request that was taken back meanwhile leaves nothing to accept.
    with suppress(Follow.DoesNotExist):
        decide(feed, user_id, by=request.user)
    return redirect(f"{reverse('feed-page', args=[slug])}#follows")


@signed_in_post
def delete_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one's own entry."""
    entry = get_object_or_404(Entry.objects.alive().readable_by(request.user).select_related("feed"), pk=pk)
    if entry.author_id != request.user.pk:
        raise PermissionDenied("Only its author deletes an entry.")
    entry.delete()
    return redirect(_back(request))


@signed_in_post
def delete_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one's own comment, or one in one's own feed."""
    rows = Comment.objects.alive().readable_by(request.user).select_related("entry__feed", "entry__author")
    comment = get_object_or_404(rows, pk=pk)
    if request.user.pk not in (comment.author_id, comment.entry.feed.owner_id):
        raise PermissionDenied("Only its author and the feed's owner delete a comment.")
    comment.delete()
    return redirect("entry-page", comment.entry_id)


def _publish(request: HttpRequest, feed: Feed | None, form: EntryForm) -> HttpResponse | None:
    """Publish what the form says and go back to the page; nothing is returned when the form has errors."""
    if not request.user.is_authenticated or feed is None:
        return redirect_to_login(request.path)
    if not form.is_valid():
        return None
    given = {name: value for name, value in form.cleaned_data.items() if value}
    entry = actions.publish_entry(feed, by=request.user, **given)
    return redirect(f"{request.path}#entry-{entry.pk}")


def _cursor(request: HttpRequest) -> str:
    """Return from where on the page is live: the log's head before any of its rows is read."""
    return getattr(request, "tidewire_cursor", None) or str(log.head().cursor)


def _topics(user: Any, feeds: QuerySet[Feed]) -> list[str]:
    """Return those topics of the feeds that the user may read, and their own."""
    names = [f"feeds.{pk}" for pk in feeds.readable_by(user).values_list("pk", flat=True)]
    if user.is_authenticated:
        names += [f"feeds.{pk}.followers" for pk in feeds.followed_by(user).values_list("pk", flat=True)]
        names.append("me")
    return names


def _follows(request: HttpRequest, feed: Feed) -> dict[str, Any]:
    """Return what its owner sees of who follows the feed: the newest requests, and a page of the followers."""
    requests = feed.follows.pending().order_by("-pk")[:PAGE]
    return {"requests": requests, "followers": _page(request, feed.follows.accepted(), "followers_before")}


def _page(request: HttpRequest, rows: QuerySet | Home, parameter: str = "before") -> dict[str, Any]:
    """Return a page of rows, newest first, and before which row the next one starts."""
    asked = request.GET.get(parameter, "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    rows = rows.filter(pk__lt=before) if before else rows
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return {"rows": found[:PAGE], "older": found[PAGE - 1].pk if len(found) > PAGE else None, "is_first": not before}


def _back(request: HttpRequest) -> str:
    """Return the page that the form stood on; another site's address is not followed."""
    url = request.POST.get("next", "")
    return url if url_has_allowed_host_and_scheme(url, allowed_hosts=None) else "/"


def _render(
    request: HttpRequest, template: str, cursor: str, topics: list[str], context: dict[str, Any]
) -> HttpResponse:
    """Render a page with what makes it live; one that shows a form's errors is a 400."""
    context |= {"cursor": cursor, "topics": ",".join(topics), "blank": BLANK}
    return render(request, template, context, status=400 if context["form"].is_bound else 200)
