"""Every path of the project, and what answers when none fits."""

from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path

from access import urls as access_urls
from config import pages, site
from config.welcome import welcome
from feeds import urls as feeds_urls
from notifications import urls as notifications_urls
from webhooks import urls as webhooks_urls

handler400 = "config.pages.bad_request"
handler403 = "config.pages.forbidden"
handler404 = "config.pages.not_found"
handler500 = "config.pages.server_error"

api = [
    path("", include("access.urls")),
    path("", include("feeds.urls")),
    path("notifications/", include("notifications.urls")),
    path("webhooks/", include("webhooks.urls")),
]

urlpatterns = [
    path("api/v1/", include((api, "api"))),
    path("api/<path:rest>", pages.no_such_api),
    path("admin/", admin.site.urls),
    path("healthz", pages.alive),
    path("manifest.webmanifest", site.manifest, name="manifest"),
    path("service-worker.js", site.service_worker, name="service-worker"),
    path("robots.txt", site.robots, name="robots"),
    path("welcome/", welcome, name="welcome"),
    path("sitemap.xml", sitemap, {"sitemaps": site.SITEMAPS}, name="sitemap"),
    path("readyz", pages.ready),
    path(".well-known/tidewire/", include(webhooks_urls.well_known_urlpatterns)),
    path("", include(access_urls.page_urlpatterns)),
    path("", include(feeds_urls.page_urlpatterns)),
    path("", include(notifications_urls.page_urlpatterns)),
    path("", include(webhooks_urls.page_urlpatterns)),
]
