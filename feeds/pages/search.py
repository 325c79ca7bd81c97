"""The page on which people look for something among what they may read."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from feeds.models import Entry, Feed, words
from feeds.pages.forms import SearchForm
from feeds.pages.lists import head, page_of, show, topics_of

# So many feeds stand above the entries: who looks for a feed knows more of its name then.
FEEDS = 5
NOTHING: dict[str, Any] = {"rows": [], "older": None, "is_first": False, "feeds": []}


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show the feeds and entries that have every word, the newest first; what happens to them is live."""
    cursor, user = head(request), request.user
    form = SearchForm(request.GET if "q" in request.GET else None)
    found = NOTHING
    if form.is_bound and form.is_valid():
        try:
            with words.bounded():
                found = _found(request, form.cleaned_data["q"])
        except words.TooMuch:
            form.add_error("q", _("This would take too long: add a word."))
    shown = Feed.objects.filter(pk__in={entry.feed_id for entry in found["rows"]})
    # What arrives is not known to have the words: it does not come in, and the page is none of the newest.
    at_start = found["is_first"]
    context = found | {
        "form": form,
        "is_first": False,
        "at_start": at_start,
        "kept": urlencode({"q": form["q"].value() or ""}) + "&",
    }
    return show(request, "feeds/search.html", cursor, topics_of(user, shown), context)


def _found(request: HttpRequest, text: str) -> dict[str, Any]:
    user = request.user
    entries = Entry.objects.alive().readable_by(user).shown_to(user).for_viewer(user).with_words(text)
    page = page_of(request, entries)
    feeds = Feed.objects.visible_to(user).shown_to(user).for_viewer(user).with_words(text).order_by("-pk")
    return page | {"feeds": list(feeds[:FEEDS]) if page["is_first"] else []}
