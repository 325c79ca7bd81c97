import re

import pytest
from django.test import Client

from access.models import User
from notifications import actions
from notifications.channels import unsubscribing
from notifications.models import Habit, Preference, PushSubscription
from notifications.pages.forms import PreferencesForm

URL = "/notifications/preferences/"


@pytest.fixture
def page(alice):
    client = Client()
    client.force_login(alice)
    return client


def form_of(user):
    """Return what the page's form would send as it stands."""
    form = PreferencesForm(wishes=actions.preferences_of(user))
    return {name: "" if form[name].value() is None else form[name].value() for name in form.fields}


def body(response):
    return response.content.decode()


def test_a_stranger_is_asked_to_sign_in(client, db):
    assert client.get(URL)["Location"] == f"/accounts/login/?next={URL}"
    assert client.post(URL, {})["Location"] == f"/accounts/login/?next={URL}"


def test_each_kind_has_a_named_box_for_each_channel_and_shows_how_it_is(page):
    text = body(page.get(URL))
    assert len(re.findall(r'<input type="checkbox" name="wanted"', text)) == 7 * 3
    assert "Likes of your entries: E-mail" in text
    assert not re.search(r'value="like.email"[^>]*checked', text)
    assert re.search(r'value="mention.email"[^>]*checked', text)


def test_the_form_as_it_stands_changes_nothing(page, alice):
    habit = {"quiet_hours": {"from": "22:00", "to": "07:30"}, "digest_minutes": {"email": 90}, "language": "de"}
    before = actions.set_preferences(alice, habit | {"kinds": {"like": {"email": True}}, "time_zone": "US/Pacific"})
    alice.refresh_from_db()
    assert page.post(URL, form_of(alice)).status_code == 302
    alice.refresh_from_db()
    assert actions.preferences_of(alice) == before | {"version": before["version"] + 1}


def test_what_is_saved_is_what_the_api_gives(page, alice, api):
    given = form_of(alice) | {"quiet_from": "22:00", "quiet_to": "07:00", "email_digest": "1440"}
    given["wanted"] = ["like.in_app", "like.web_push", "mention.email"]
    response = page.post(URL, given | {"language": "en", "time_zone": "Europe/Berlin"})
    assert (response.status_code, response["Location"]) == (302, URL)
    found = api(alice).get("/api/v1/notifications/preferences/").json()
    ticked = [f"{kind}.{way}" for kind, ways in found["kinds"].items() for way, is_on in ways.items() if is_on]
    assert ticked == given["wanted"]
    assert found["quiet_hours"] == {"from": "22:00", "to": "07:00"}
    assert found["digest_minutes"] == {"email": 1440, "web_push": 0}
    assert (found["time_zone"], found["language"]) == ("Europe/Berlin", "en")


def test_quiet_hours_that_are_left_empty_end(page, alice):
    actions.set_preferences(alice, {"quiet_hours": {"from": "22:00", "to": "07:00"}})
    page.post(URL, form_of(alice) | {"quiet_from": "", "quiet_to": ""})
    assert Habit.objects.get().quiet_from is None


def test_saving_is_confirmed_in_the_language_that_was_chosen(page, alice):
    response = page.post(URL, form_of(alice) | {"language": "de"}, follow=True)
    assert "Gespeichert." in body(response) and '<html lang="de"' in body(response)
    alice.refresh_from_db()
    assert "Saved." in body(page.post(URL, form_of(alice) | {"language": "en"}, follow=True))


@pytest.mark.parametrize(
    ("given", "field", "error"),
    [
        ({"quiet_from": "22:00"}, "quiet_to", "Say when they end, too"),
        ({"quiet_to": "07:00"}, "quiet_from", "Say when they begin, too"),
        ({"quiet_from": "22:00", "quiet_to": "22:00"}, "quiet_to", "The beginning and the end are the same."),
        ({"quiet_from": "25:00", "quiet_to": "07:00"}, "quiet_from", "Enter a valid time."),
        ({"quiet_from": "22:00:30", "quiet_to": "07:00"}, "quiet_from", "Enter a valid time."),
        ({"email_digest": "-1"}, "email_digest", "Select a valid choice."),
        ({"email_digest": "often"}, "email_digest", "Select a valid choice."),
        ({"web_push_digest": ""}, "web_push_digest", "This field is required."),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "Select a valid choice."),
        ({"time_zone": "../etc/passwd\0"}, "time_zone", "Select a valid choice."),
        ({"language": "tlh"}, "language", "Select a valid choice."),
        ({"wanted": ["like.pigeon"]}, "wanted", "Select a valid choice."),
        ({"wanted": ["notice.email"]}, "wanted", "Select a valid choice."),
    ],
)
def test_a_bad_value_is_told_at_its_field_and_saves_nothing(page, alice, given, field, error):
    response = page.post(URL, form_of(alice) | given)
    assert response.status_code == 400
    assert re.search(rf'id="id_{field}_error">\s*<li>{re.escape(error)}', body(response))
    assert "Nothing is saved." in body(response)
    assert not Habit.objects.exists() and not Preference.objects.exists()


def test_what_was_ticked_stands_beside_the_error(page, alice):
    response = page.post(URL, form_of(alice) | {"wanted": ["like.email"], "quiet_from": "22:00"})
    assert re.search(r'value="like.email"[^>]*checked', body(response))
    assert not re.search(r'value="mention.email"[^>]*checked', body(response))
    assert 'value="22:00"' in body(response)


def test_mallory_saves_her_own_preferences_alone(alice, mallory):
    client = Client()
    client.force_login(mallory)
    client.post(URL, form_of(mallory) | {"time_zone": "Asia/Tokyo", "user": alice.pk, "wanted": []})
    assert set(User.objects.values_list("username", "time_zone")) >= {("alice", "UTC"), ("mallory", "Asia/Tokyo")}
    assert not Preference.objects.filter(user=alice).exists()


def test_why_nothing_comes_by_a_channel_is_told(page, alice, settings):
    settings.TIDEWIRE_EMAIL_HOST, settings.TIDEWIRE_WEB_PUSH_PRIVATE_KEY = "", ""
    assert "This server sends no e-mail" in body(page.get(URL)) and "sends no web push" in body(page.get(URL))
    settings.TIDEWIRE_EMAIL_HOST, settings.TIDEWIRE_WEB_PUSH_PRIVATE_KEY = "mail.example", "key"
    User.objects.update(email="")
    assert "your account has no address" in body(page.get(URL)) and "No web push comes yet" in body(page.get(URL))
    User.objects.update(email="alice@example.com")
    PushSubscription.objects.create(user=alice, endpoint="https://push.example/1", p256dh="p", auth="a")
    assert "comes yet" not in body(page.get(URL)) and "This server sends" not in body(page.get(URL))


def test_the_page_is_linked_from_the_inbox_and_from_the_end_of_e_mail(page, alice):
    assert f'href="{URL}"' in body(page.get("/notifications/"))
    way = f"/notifications/unsubscribe/{unsubscribing.token(alice.pk)}/"
    assert f'href="{URL}"' in body(page.get(way)) and f'href="{URL}"' in body(page.post(way))


def test_the_page_is_german_for_who_reads_german(page, alice):
    User.objects.update(language="de")
    text = body(page.get(URL))
    assert "Kommentare zu deinen Beiträgen: E-Mail" in text and "Europa" in text and "einmal am Tag" in text
    assert "Sag auch, wann die Ruhe endet" in body(page.post(URL, form_of(alice) | {"quiet_from": "22:00"}))


def test_its_questions_are_few(page, django_assert_max_num_queries):
    page.get(URL)
    with django_assert_max_num_queries(9):
        page.get(URL)
