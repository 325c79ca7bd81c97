import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access import keys
from access.models import ApiKey, Application, Grant
from access.pages.developers import LANGUAGES, TASKS

CONSOLE, KEYS, APPLICATIONS = (reverse(name) for name in ("developers", "developers-keys", "developers-applications"))
NEW = {"name": "shop", "application": "", "days": "30"}


@pytest.fixture
def of(db):
    """A browser of somebody's."""

    def make(user, **options):
        client = Client(**options)
        client.force_login(user)
        return client

    return make


def text(response):
    """Return what a page says."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode()))


# -- Console and snippets ---------------------------------------------------------------------------------------------


def test_everybody_sees_the_console_with_topics_that_they_may_read(client, of, alice):
    public, own = client.get(CONSOLE), of(alice).get(CONSOLE)
    assert (public.context["topics"], own.context["topics"]) == ("", "home,me")
    assert "needs JavaScript" in text(public)
    assert public.context["cursor"] == public.headers["Tidewire-Cursor"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_task_has_a_snippet_in_every_language_with_the_pages_own_address(of, alice, language):
    page = of(alice).get(CONSOLE, {"language": language}, headers={"host": "localhost:8123"})
    shown = page.context["snippets"]
    assert [each["name"] for each in shown] == list(TASKS)
    assert all("{{" not in each["text"] for each in shown)
    addresses = {found for each in shown for found in re.findall(r"\w+://[^/\"' ]+", each["text"])}
    assert addresses == {"http://localhost:8123", "ws://localhost:8123"}


def test_snippets_are_shown_as_they_are_to_be_typed(of, alice):
    page = of(alice).get(CONSOLE, {"language": "python"})
    assert all("&quot;" not in each["text"] for each in page.context["snippets"])
    assert b"json.dumps(wanted)" in page.content and b"&quot;subscribe&quot;" in page.content


def test_an_unknown_language_is_curl(client, db):
    assert client.get(CONSOLE, {"language": "../../etc/passwd"}).context["language"] == "curl"


def test_topics_from_the_address_are_text(client, db):
    page = client.get(CONSOLE, {"topics": '"><script>alert(1)</script>'})
    assert b"<script>alert" not in page.content


# -- Keys -------------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_by_the_answer_that_makes_it_and_never_again(of, alice):
    browser = of(alice)
    made = browser.post(KEYS, NEW)
    key = ApiKey.objects.get()
    assert keys.find(made.context["text"]).pk == key.pk
    assert made.context["text"] in text(made)
    assert "no-store" in made.headers["Cache-Control"]
    assert made.context["text"] not in text(browser.get(KEYS))
    assert (key.user, key.name, key.application) == (alice, "shop", None)
    assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=30)


def test_a_key_may_be_without_end_and_of_an_application(of, alice):
    application = Application.objects.create(owner=alice, name="Harbour")
    of(alice).post(KEYS, NEW | {"days": "0", "application": application.pk})
    key = ApiKey.objects.get()
    assert (key.expires_at, key.application) == (None, application)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "a" * 101}, "at most 100 characters"),
        ({"days": "400"}, "not one of the available choices"),
        ({"days": ""}, "This field is required"),
        ({"application": "999999"}, "not one of the available choices"),
        ({"application": "x"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_told_and_makes_no_key(of, alice, fields, words):
    page = of(alice).post(KEYS, NEW | fields)
    assert (page.status_code, words in text(page), ApiKey.objects.count()) == (400, True, 0)


def test_the_application_of_somebody_else_cannot_be_chosen(of, alice, mallory):
    theirs = Application.objects.create(owner=alice, name="Harbour")
    assert of(mallory).post(KEYS, NEW | {"application": theirs.pk}).status_code == 400
    assert not ApiKey.objects.exists()


def test_more_keys_than_the_limit_are_refused_beside_the_form(of, alice, settings):
    settings.TIDEWIRE_USER_MAX_KEYS = 1
    browser = of(alice)
    browser.post(KEYS, NEW)
    page = browser.post(KEYS, NEW)
    assert (page.status_code, "There are 1 already" in text(page), ApiKey.objects.count()) == (400, True, 1)


def test_ones_own_keys_are_shown_with_their_states(of, alice, mallory):
    keys.make(alice, name="good")
    keys.make(alice, name="ended", expires_at=timezone.now() - timedelta(hours=1))
    keys.make(alice, name="revoked")
    ApiKey.objects.filter(name="revoked").revoke()
    keys.make(mallory, name="strange")
    said = text(of(alice).get(KEYS))
    assert re.search(
        r"revoked tw_[\w-]+… Revoked .* ended tw_[\w-]+… Ended .* good tw_[\w-]+… Valid · without end", said
    )
    assert "strange" not in said and said.count("Yes, end it at once") == 1


def test_keys_come_in_pages(of, alice):
    for number in range(21):
        keys.make(alice, name=f"key {number}")
    browser = of(alice)
    first = browser.get(KEYS)
    second = browser.get(KEYS, {"before": first.context["older"]})
    assert ([row.name for row in second.context["rows"]], first.context["is_first"]) == (["key 0"], True)


def test_a_key_is_revoked(of, alice):
    made, key = keys.make(alice)
    response = of(alice).post(reverse("developers-revoke", args=[key.pk]))
    assert (response.status_code, response["Location"]) == (302, KEYS)
    assert keys.find(made) is None


def test_nobody_revokes_another_ones_key(of, alice, mallory):
    made, key = keys.make(alice)
    assert of(mallory).post(reverse("developers-revoke", args=[key.pk])).status_code == 404
    assert keys.find(made) is not None


# -- Applications, grants, use ----------------------------------------------------------------------------------------


def test_an_application_is_made_and_deleted_with_its_keys(of, alice):
    browser = of(alice)
    assert browser.post(APPLICATIONS, {"application-name": "Harbour"})["Location"] == KEYS
    application = Application.objects.get(owner=alice, name="Harbour")
    keys.make(alice, application=application)
    browser.post(reverse("developers-delete", args=[application.pk]))
    assert not Application.objects.exists() and not ApiKey.objects.exists()


@pytest.mark.parametrize(("name", "words"), [("", "required"), ("a" * 101, "at most 100"), ("Harbour", "of this name")])
def test_what_is_wrong_with_an_application_is_told(of, alice, name, words):
    Application.objects.create(owner=alice, name="Harbour")
    page = of(alice).post(APPLICATIONS, {"application-name": name})
    assert (page.status_code, words in text(page), Application.objects.count()) == (400, True, 1)


def test_nobody_deletes_another_ones_application(of, alice, mallory):
    application = Application.objects.create(owner=alice, name="Harbour")
    assert of(mallory).post(reverse("developers-delete", args=[application.pk])).status_code == 404
    assert Application.objects.exists()


def test_what_is_granted_now_is_shown(of, alice, mallory):
    application = Application.objects.create(owner=alice, name="Harbour")
    Grant.objects.create(user=alice, topic="orders.*", right="publish")
    Grant.objects.create(application=application, topic="harbour.tide", right="read")
    Grant.objects.create(user=alice, topic="ended.*", right="read", expires_at=timezone.now() - timedelta(hours=1))
    Grant.objects.create(user=mallory, topic="strange.*", right="read")
    said = text(of(alice).get(KEYS))
    assert "orders.*" in said and "harbour.tideReadHarbour" in said
    assert "ended.*" not in said and "strange.*" not in said


def test_what_is_used_is_shown_beside_its_limit(of, alice, settings, monkeypatch):
    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 60
    monkeypatch.setattr("access.limits.taken", {alice.pk: 7}.get)
    keys.make(alice)
    used = {each["what"]: (each["used"], each["limit"]) for each in of(alice).get(KEYS).context["usage"]}
    assert used["Events published this minute"] == (7, 60)
    assert used["Keys that are valid"] == (1, settings.TIDEWIRE_USER_MAX_KEYS)


def test_what_is_not_counted_is_not_called_nothing(of, alice, settings):
    settings.TIDEWIRE_USER_EVENTS_PER_MINUTE = 0
    assert "Events published this minutenot countedno limit" in text(of(alice).get(KEYS))


def test_signed_out_nobody_has_keys(client, db):
    for method, path in ((client.get, KEYS), (client.post, KEYS), (client.post, APPLICATIONS)):
        assert method(path)["Location"].startswith("/accounts/login/")


def test_what_changes_something_wants_a_token_and_a_post(of, alice):
    _, key = keys.make(alice)
    path = reverse("developers-revoke", args=[key.pk])
    assert of(alice).get(path).status_code == 405
    assert of(alice, enforce_csrf_checks=True).post(path).status_code == 403
    assert of(alice, enforce_csrf_checks=True).post(KEYS, NEW).status_code == 403


def test_the_page_of_keys_costs_few_queries_however_much_there_is(of, alice, django_assert_max_num_queries):
    application = Application.objects.create(owner=alice, name="Harbour")
    for number in range(20):
        keys.make(alice, application=application)
        Grant.objects.create(application=application, topic=f"orders.{number}", right="read")
    browser = of(alice)
    with django_assert_max_num_queries(14):
        browser.get(KEYS)
