import pytest
from django.test import Client, override_settings

from feeds.models import Feed

pytestmark = pytest.mark.django_db


def test_the_manifest_names_the_app_with_icons_that_are_there(client):
    response = client.get("/manifest.webmanifest")
    assert response["Content-Type"] == "application/manifest+json"
    assert response.json()["start_url"] == "/"
    assert "manifest-src 'self'" in response["Content-Security-Policy"]


def test_robots_are_kept_from_what_is_nobodys_business_and_shown_the_map(client):
    said = client.get("/robots.txt").content.decode()
    assert "Disallow: /accounts/" in said
    assert "Sitemap: http://testserver/sitemap.xml" in said


def test_the_map_has_what_everyone_may_read_and_nothing_else(client, alice, publish):
    public, private = publish("Open"), publish("Closed", visibility="followers")
    Feed.objects.create(owner=alice, slug="inner", title="Inner", visibility="followers")
    said = client.get("/sitemap.xml").content.decode()
    assert "/feeds/alice/" in said and f"/entries/{public.pk}/" in said
    assert "inner" not in said and f"/entries/{private.pk}/" not in said


def test_a_page_tells_others_what_it_is_about(client, publish):
    entry = publish('Tides & "currents"')
    page = client.get(f"/entries/{entry.pk}/").content.decode()
    assert '<meta property="og:title" content="alice">' in page
    assert '<meta property="og:description" content="Tides &amp; &quot;currents&quot;">' in page
    assert f'<meta property="og:url" content="http://testserver/entries/{entry.pk}/">' in page


@override_settings(DEBUG=False)
@pytest.mark.parametrize("path", ["/nothing/", "/entries/999/"])
def test_what_is_not_there_says_so_with_ways_on(client, path):
    response = client.get(path)
    page = response.content.decode()
    assert response.status_code == 404
    assert "Nothing here" in page and 'href="/"' in page and "noindex" in page


def test_a_form_from_before_signing_in_says_so_and_leads_back():
    client = Client(enforce_csrf_checks=True)
    response = client.post("/accounts/login/", HTTP_REFERER="http://testserver/accounts/login/")
    page = response.content.decode()
    assert response.status_code == 403
    assert "That form is too old" in page and 'href="/accounts/login/"' in page
    response = client.post("/accounts/login/", HTTP_REFERER="http://evil.example/")
    assert "evil.example" not in response.content.decode()


def test_the_worker_for_web_push_stands_at_the_root_and_may_be_registered(client):
    response = client.get("/service-worker.js")
    assert response["Content-Type"] == "text/javascript"
    assert "showNotification" in response.content.decode() and "/static/tidewire/favicon" in response.content.decode()
    assert "worker-src 'self'" in response["Content-Security-Policy"]
