"""Public feeds for readers of other kinds: Atom, and ActivityStreams 2.0."""

import re
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.syndication.views import Feed as Syndication
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import linebreaks
from django.views.decorators.http import require_safe

from events.encoding import timestamp
from feeds.models import Entry, Feed

PAGE = 50
TITLE_MAX_LENGTH = 80
ACTIVITY_STREAMS = "https://www.w3.org/ns/activitystreams"
PUBLIC = f"{ACTIVITY_STREAMS}#Public"
NOBODY = AnonymousUser()

# What XML 1.0 has no way to write.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def address(name: str, *args: Any) -> str:
    """Return where something is found: at the server's own address, never at one that a caller names."""
    return settings.TIDEWIRE_SOURCE.rstrip("/") + reverse(name, args=args)


def _public_feed(slug: str) -> Feed:
    return get_object_or_404(Feed.objects.visible_to(NOBODY).select_related("owner"), slug=slug)


def _public_entries(feed: Feed):
    return Entry.objects.alive().filter(feed=feed).readable_by(NOBODY).for_viewer(NOBODY)


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)


# -- Pages ------------------------------------------------------------------------------------------------------------

# The newest page is all before an entry that never comes.
END = 2**63 - 1


class Page(NamedTuple):
    """Some entries, newest first, and by which questions the pages beside it are found."""

    rows: list[Entry]
    newer: str
    older: str


def _page(request: HttpRequest, *parts: QuerySet[Entry]) -> Page:
    """Return the page that is asked for by `?before=` or `?after=` an entry, of parts that have an index each."""
    if "after" in request.GET:
        return _page_after(_number(request.GET["after"]), parts)
    before = _number(request.GET.get("before", str(END)))
    found = sorted(_some(parts, "-pk", pk__lt=before), key=lambda entry: -entry.pk)
    rows = found[:PAGE]
    newer = f"after={rows[0].pk if rows else before - 1}" if before < END else ""
    return Page(rows, newer, f"before={rows[-1].pk}" if len(found) > PAGE else "")


def _page_after(after: int, parts: tuple[QuerySet[Entry], ...]) -> Page:
    found = sorted(_some(parts, "pk", pk__gt=after), key=lambda entry: entry.pk)
    rows = found[:PAGE][::-1]
    older = f"before={rows[-1].pk if rows else min(after + 1, END)}"
    return Page(rows, f"after={rows[0].pk}" if len(found) > PAGE else "", older)


def _some(parts: tuple[QuerySet[Entry], ...], order: str, **bound: int) -> list[Entry]:
    """Return of each part one more than a page."""
    return [entry for rows in parts for entry in rows.filter(**bound).order_by(order)[: PAGE + 1]]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Http404("There is no such page.")
    return min(int(text), END)


# -- Atom -------------------------------------------------------------------------------------------------------------


class Steady(Atom1Feed):
    """An Atom feed that is the same until something in it changes, also while it is empty."""

    def latest_post_date(self) -> datetime:
        """Return when something changed last."""
        return super().latest_post_date() if self.items else self.feed["since"]

    def add_root_elements(self, handler) -> None:
        """Name the pages beside this one (RFC 5005)."""
        super().add_root_elements(handler)
        for rel, href in self.feed["pages"].items():
            handler.addQuickElement("link", "", {"rel": rel, "href": href})


class Atom(Syndication):
    """The public entries of a public feed, newest first, page by page."""

    feed_type = Steady

    def get_object(self, request: HttpRequest, slug: str) -> Feed:
        feed = _public_feed(slug)
        feed.page = _page(request, _public_entries(feed))
        return feed

    def title(self, feed: Feed) -> str:
        return _writable(feed.title)

    def subtitle(self, feed: Feed) -> str:
        return _writable(feed.description)

    def link(self, feed: Feed) -> str:
        return address("feed-page", feed.slug)

    feed_guid = link

    def feed_url(self, feed: Feed) -> str:
        return address("feed-atom", feed.slug)

    def author_name(self, feed: Feed) -> str:
        return feed.owner.username

    def feed_extra_kwargs(self, feed: Feed) -> dict:
        url = self.feed_url(feed)
        beside = {"previous": feed.page.newer, "next": feed.page.older}
        return {"since": feed.created_at, "pages": {rel: f"{url}?{asked}" for rel, asked in beside.items() if asked}}

    def items(self, feed: Feed) -> list[Entry]:
        return feed.page.rows

    def item_title(self, entry: Entry) -> str:
        line = _writable(entry.text).strip().partition("\n")[0]
        return line if len(line) <= TITLE_MAX_LENGTH else f"{line[: TITLE_MAX_LENGTH - 1]}\u2026"

    def item_description(self, entry: Entry) -> str:
        return linebreaks(_writable(entry.text), autoescape=True)

    def item_link(self, entry: Entry) -> str:
        return address("entry-page", entry.pk)

    item_guid = item_link

    def item_author_name(self, entry: Entry) -> str:
        return entry.author.username

    def item_pubdate(self, entry: Entry) -> datetime:
        return entry.created_at

    def item_updateddate(self, entry: Entry) -> datetime:
        return entry.edited_at or entry.created_at


# -- ActivityStreams 2.0 ----------------------------------------------------------------------------------------------


@require_safe
def outbox(request: HttpRequest, slug: str) -> JsonResponse:
    """Show what was published in a public feed, newest first: the collection, or with `?before=` a page of it."""
    feed = _public_feed(slug)
    url = address("feed-outbox", feed.slug)
    asked = next((name for name in ("after", "before") if name in request.GET), None)
    if asked is None:
        first = f"{url}?before={END}"
        return _activity({"id": url, "type": "OrderedCollection", "name": feed.title, "first": first})
    gone = Entry.objects.deleted().filter(feed=feed).readable_by(NOBODY)
    page = _page(request, _public_entries(feed), gone)
    body: dict[str, Any] = {"id": f"{url}?{asked}={request.GET[asked]}", "type": "OrderedCollectionPage"}
    body |= {"partOf": url, "orderedItems": [_deed(entry, url) for entry in page.rows]}
    beside = {"prev": page.newer, "next": page.older}
    return _activity(body | {name: f"{url}?{asked}" for name, asked in beside.items() if asked})


def _activity(body: dict[str, Any]) -> JsonResponse:
    return JsonResponse({"@context": ACTIVITY_STREAMS} | body, content_type="application/activity+json")


def _deed(entry: Entry, feed_url: str) -> dict[str, Any]:
    """Return what was done: an entry was made, or taken back."""
    url = address("entry-page", entry.pk)
    if entry.deleted_at is not None:
        gone = {"id": url, "type": "Tombstone", "formerType": "Note", "deleted": timestamp(entry.deleted_at)}
        return {"id": f"{url}#delete", "type": "Delete", "origin": feed_url, "to": [PUBLIC], "object": gone}
    actor = _person(entry.author.username)
    made = {"id": f"{url}#create", "type": "Create", "actor": actor, "origin": feed_url, "to": [PUBLIC]}
    return made | {"published": timestamp(entry.created_at), "object": _note(entry, url, actor)}


def _note(entry: Entry, url: str, actor: dict[str, str]) -> dict[str, Any]:
    note = {
        "id": url,
        "type": "Note",
        "url": url,
        "attributedTo": actor["id"],
        "to": [PUBLIC],
        "mediaType": "text/plain",
        "content": entry.text,
        "published": timestamp(entry.created_at),
        "likes": {"type": "Collection", "totalItems": entry.like_count},
        "replies": {"type": "Collection", "totalItems": entry.comment_count},
        "tag": [
            {"type": "Mention", "href": _person(user.username)["id"], "name": f"@{user.username}"}
            for user in entry.mentioned
        ],
    }
    return note | ({"updated": timestamp(entry.edited_at)} if entry.edited_at else {})


def _person(username: str) -> dict[str, str]:
    return {"type": "Person", "id": address("feed-page", username), "name": username}
