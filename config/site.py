"""What the site says of itself to browsers and search engines: manifest, robots, a map of what everyone may read."""

from django.contrib.auth.models import AnonymousUser
from django.contrib.sitemaps import Sitemap
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from feeds.models import Entry, Feed

# A map is for finding the way, not for everything that was ever said.
MAP_MAX = 1000
HOUR = 3600
DISALLOWED = ("/api/", "/admin/", "/accounts/", "/notifications/", "/webhooks/", "/live/", "/search/")


@require_safe
@cache_control(max_age=HOUR)
def manifest(request: HttpRequest) -> JsonResponse:
    """Say how Tidewire stands among a device's apps."""
    icon = {"src": static("tidewire/favicon.svg"), "sizes": "any", "type": "image/svg+xml"}
    said = {
        "name": "Tidewire",
        "short_name": "Tidewire",
        "description": gettext("What people publish, on the screen of everyone who has the page open."),
        "id": "/",
        "start_url": reverse("home"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#f2f6f7",
        "theme_color": "#0d6275",
        "icons": [icon | {"purpose": "any"}, icon | {"purpose": "maskable"}],
        "shortcuts": [{"name": gettext("Notifications"), "url": reverse("inbox")}],
    }
    return JsonResponse(said, content_type="application/manifest+json")


@require_safe
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """Give browsers the worker that shows web push: at the root, for it speaks for every page."""
    context = {"icon": static("tidewire/favicon.svg")}
    return render(request, "service-worker.js", context, content_type="text/javascript")


@require_safe
@cache_control(max_age=HOUR)
def robots(request: HttpRequest) -> HttpResponse:
    """Say what search engines need not look at."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in DISALLOWED)]
    lines.append(f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


class Feeds(Sitemap):
    """The newest public feeds."""

    def items(self) -> list[Feed]:
        """Return them."""
        return list(Feed.objects.visible_to(AnonymousUser()).filter(visibility="public").order_by("-pk")[:MAP_MAX])

    def location(self, item: Feed) -> str:
        """Return the address of the feed's page."""
        return reverse("feed-page", args=[item.slug])


class Entries(Sitemap):
    """The newest public entries."""

    def items(self) -> list[Entry]:
        """Return them."""
        return list(Entry.objects.alive().readable_by(AnonymousUser()).order_by("-pk")[:MAP_MAX])

    def location(self, item: Entry) -> str:
        """Return the address of the entry's page."""
        return reverse("entry-page", args=[item.pk])

    def lastmod(self, item: Entry):
        """Return when it last said something new."""
        return item.edited_at or item.created_at


SITEMAPS: dict[str, type[Sitemap]] = {"feeds": Feeds, "entries": Entries}
