"""What people do on pages by plain forms: each is sent, done, and followed by a page that shows it."""

from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from access.models import User
from access.pages.posts import back, signed_in_post
from access.relations import check_not_blocked
from feeds import actions, moderation
from feeds.models import Comment, Entry, Feed, Follow
from feeds.models.comment import TEXT_MAX_LENGTH as COMMENT_MAX_LENGTH
from feeds.models.entry import TEXT_MAX_LENGTH as ENTRY_MAX_LENGTH
from feeds.pages.forms import EditForm, ReportForm

ANSWERS = {"accept": actions.accept_request, "decline": actions.decline_request, "remove": actions.remove_follower}

# What one can report: what one may see.
SEEN: dict[str, Any] = {
    "entry": lambda user: Entry.objects.alive().readable_by(user).select_related("author"),
    "comment": lambda user: Comment.objects.alive().readable_by(user).select_related("author"),
    "user": lambda user: User.objects.filter(is_active=True),
}


@signed_in_post
def like(request: HttpRequest, pk: int) -> HttpResponse:
    """Like an entry, or take the like back: the form says which, so that sending it twice is harmless."""
    entry = get_object_or_404(Entry.objects.alive().readable_by(request.user), pk=pk)
    change = actions.like_entry if request.POST.get("liked") == "1" else actions.unlike_entry
    # It may end in between; then the page that is gone back to shows so.
    with suppress(Entry.DoesNotExist):
        change(entry, by=request.user)
    return redirect(f"{back(request)}#entry-{pk}")


@signed_in_post
def hide(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep an entry out of one's lists."""
    entry = get_object_or_404(Entry.objects.alive().readable_by(request.user), pk=pk)
    actions.dismiss_entry(entry, by=request.user)
    messages.success(request, _("Hidden from your lists."))
    return redirect(back(request))


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


# -- Changing what one has said ---------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one's own entry another text."""
    rows = Entry.objects.alive().readable_by(request.user).for_viewer(request.user)
    entry = _own(get_object_or_404(rows, pk=pk), request.user)
    return _edit(request, entry, ENTRY_MAX_LENGTH, reverse("entry-page", args=[pk]), _("Edit your entry"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one's own comment another text."""
    rows = Comment.objects.alive().readable_by(request.user).for_viewer().select_related("entry__author", "entry__feed")
    comment = _own(get_object_or_404(rows, pk=pk), request.user)
    check_not_blocked(comment.entry.author_id, by=comment.author_id)
    url = f"{reverse('entry-page', args=[comment.entry_id])}#comment-{pk}"
    return _edit(request, comment, COMMENT_MAX_LENGTH, url, _("Edit your comment"))


def _own(said: Any, user: Any) -> Any:
    if said.author_id != user.pk:
        raise PermissionDenied(_("Only its author changes it."))
    user.check_may_write()
    return said


def _edit(request: HttpRequest, said: Entry | Comment, max_length: int, url: str, heading: str) -> HttpResponse:
    """Show the text, and write the new one unless it was changed elsewhere since it was shown."""
    first = {"text": said.text, "seen": _edition(said)}
    form = EditForm(request.POST if request.method == "POST" else None, initial=first, max_length=max_length)
    if form.is_bound and form.is_valid() and _write(said, form):
        return redirect(url)
    context = {"form": form, "back": url, "heading": heading}
    return render(request, "feeds/edit.html", context, status=400 if form.is_bound else 200)


def _edition(said: Entry | Comment) -> str:
    return said.edited_at.isoformat() if said.edited_at else ""


@transaction.atomic
def _write(said: Any, form: EditForm) -> bool:
    locked = type(said).objects.select_for_update(of=("self",), no_key=True).get(pk=said.pk)
    if form.cleaned_data["seen"] != _edition(locked):
        form.add_error("text", _("It was changed elsewhere meanwhile. Look at it first, then edit it again."))
        return False
    said.text = form.cleaned_data["text"]
    said.save()
    return True


@signed_in_post
def delete_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one's own entry."""
    entry = get_object_or_404(Entry.objects.alive().readable_by(request.user).select_related("feed"), pk=pk)
    if entry.author_id != request.user.pk:
        raise PermissionDenied(_("Only its author deletes an entry."))
    entry.delete()
    return redirect(back(request))


@signed_in_post
def delete_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one's own comment, or one in one's own feed."""
    rows = Comment.objects.alive().readable_by(request.user).select_related("entry__feed", "entry__author")
    comment = get_object_or_404(rows, pk=pk)
    if request.user.pk not in (comment.author_id, comment.entry.feed.owner_id):
        raise PermissionDenied(_("Only its author and the feed's owner delete a comment."))
    comment.delete()
    return redirect("entry-page", comment.entry_id)


# -- Reporting --------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Report an entry, a comment or a user to the moderators."""
    if kind not in SEEN:
        raise Http404
    thing = get_object_or_404(SEEN[kind](request.user), pk=pk)
    form = ReportForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and _report(request, kind, thing, form):
        messages.success(request, _("Thank you. The moderators will look at it."))
        return redirect(back(request))
    context = {"form": form, "kind": kind, "thing": thing, "back": back(request)}
    return render(request, "feeds/report.html", context, status=400 if form.is_bound else 200)


def _report(request: HttpRequest, kind: str, thing: Any, form: ReportForm) -> bool:
    try:
        moderation.report(kind, thing, by=request.user, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True
