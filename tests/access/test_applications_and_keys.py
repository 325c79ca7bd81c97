"""The API of one's applications and keys."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from access import keys
from access.models import ApiKey, Application
from events.encoding import timestamp

APPLICATIONS = "/api/v1/access/applications/"
KEYS = "/api/v1/access/keys/"
SOON = timezone.now() + timedelta(hours=1)


@pytest.fixture
def program(alice):
    return Application.objects.create(owner=alice, name="Program")


# -- Applications -----------------------------------------------------------------------------------------------------


def test_an_application_is_made_renamed_and_removed(api, alice):
    client = api(alice)
    made = client.post(APPLICATIONS, {"name": "Program"})
    assert (made.status_code, set(made.json())) == (201, {"id", "name", "created_at"})
    url = f"{APPLICATIONS}{made.json()['id']}/"
    assert client.patch(url, {"name": "Other"}).json()["name"] == "Other"
    assert [each["name"] for each in client.get(APPLICATIONS).json()["results"]] == ["Other"]
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


def test_with_an_application_go_its_keys(api, alice, program):
    text = keys.mint(alice, application=program)
    assert api(alice).delete(f"{APPLICATIONS}{program.pk}/").status_code == 204
    assert keys.find(text) is None


def test_mallory_sees_and_changes_nobodys_application(api, mallory, program):
    url = f"{APPLICATIONS}{program.pk}/"
    client = api(mallory)
    answers = [client.get(url), client.patch(url, {"name": "x"}), client.delete(url)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert client.get(APPLICATIONS).json()["results"] == []
    assert api().get(APPLICATIONS).status_code == 401
    assert Application.objects.get().name == "Program"


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 101}, {"name": "\0"}, {"name": "a", "owner": 1}, []])
def test_a_bad_application_is_400(api, alice, body):
    assert api(alice).post(APPLICATIONS, body).status_code == 400
    assert not Application.objects.exists()


def test_a_name_is_used_once_by_one_owner(api, alice, bob, program):
    assert api(alice).post(APPLICATIONS, {"name": "Program"}).status_code == 400
    assert api(bob).post(APPLICATIONS, {"name": "Program"}).status_code == 201
    other = Application.objects.create(owner=alice, name="Other")
    assert api(alice).patch(f"{APPLICATIONS}{other.pk}/", {"name": "Program"}).status_code == 400


def test_applications_and_keys_are_bounded(api, alice, settings):
    settings.TIDEWIRE_USER_MAX_APPLICATIONS = 0
    settings.TIDEWIRE_USER_MAX_KEYS = 2
    client = api(alice)
    assert client.post(APPLICATIONS, {"name": "Program"}).json()["errors"][0]["code"] == "too_many"
    assert [client.post(KEYS, {}).status_code for _ in range(2)] == [201, 400]


# -- Keys -------------------------------------------------------------------------------------------------------------


def test_the_text_of_a_key_is_in_the_answer_that_makes_it_and_in_no_other(api, alice, program):
    client = api(alice)
    made = client.post(KEYS, {"name": "laptop", "application": program.pk, "expires_at": SOON.isoformat()})
    assert made.status_code == 201, made.content
    text = made.json()["key"]
    assert made.headers["Cache-Control"] == "no-store"
    assert keys.find(text).user.acting_application == program
    [key, _] = client.get(KEYS).json()["results"]
    assert key == {name: value for name, value in made.json().items() if name != "key"} | {
        "last_used_at": key["last_used_at"]
    }
    assert (key["hint"], key["application"], key["expires_at"]) == (text[:8], program.pk, timestamp(SOON))


def test_an_answer_with_a_key_is_not_repeated(alice):
    client = APIClient(headers={"Authorization": f"Bearer {keys.mint(alice)}", "Idempotency-Key": "one"})
    assert [client.post(KEYS, {}).status_code for _ in range(2)] == [201, 409]
    assert ApiKey.objects.count() == 2


def test_a_deleted_key_is_revoked_and_stays_in_the_list(api, alice):
    client, text = api(alice), keys.mint(alice)
    url = f"{KEYS}{ApiKey.objects.last().pk}/"
    assert [client.delete(url).status_code for _ in range(2)] == [204, 204]
    assert keys.find(text) is None
    assert client.get(url).json()["revoked_at"]


def test_mallory_sees_and_ends_nobodys_key(api, alice, mallory):
    text, client = keys.mint(alice), api(mallory)
    url = f"{KEYS}{ApiKey.objects.get(user=alice).pk}/"
    assert [client.get(url).status_code, client.delete(url).status_code] == [404, 404]
    assert len(client.get(KEYS).json()["results"]) == 1
    assert keys.find(text)


def test_mallory_makes_no_key_for_somebody_elses_application(api, mallory, program):
    response = api(mallory).post(KEYS, {"application": program.pk})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "application")


def test_a_key_does_not_outlive_the_key_that_makes_it(alice):
    client = APIClient(headers={"Authorization": f"Bearer {keys.make(alice, expires_at=SOON)[0]}"})
    assert client.post(KEYS, {}).json()["expires_at"] == timestamp(SOON)
    for end in (None, (SOON + timedelta(hours=1)).isoformat()):
        assert client.post(KEYS, {"expires_at": end}).status_code == 400


@pytest.mark.parametrize(
    "body", [{"name": "x" * 101}, {"name": None}, {"expires_at": "2020-01-01T00:00:00Z"}, {"user": 1}, {"key": "tw_x"}]
)
def test_a_bad_key_is_400(api, alice, body):
    assert api(alice).post(KEYS, body).status_code == 400


def test_a_session_makes_keys_and_a_foreign_page_does_not(alice):
    client = APIClient()
    client.force_login(alice)
    assert client.post(KEYS, {}).status_code == 201
    foreign = APIClient(enforce_csrf_checks=True)
    foreign.force_login(alice)
    assert foreign.post(KEYS, {}).status_code == 403


def test_the_admin_shows_applications_and_keeps_them_with_their_owner(admin_client, bob, program):
    url = f"/admin/access/application/{program.pk}/change/"
    assert admin_client.get("/admin/access/application/").status_code == 200
    assert admin_client.post(url, {"name": "New", "owner": bob.pk}).status_code == 302
    program.refresh_from_db()
    assert (program.name, program.owner.username) == ("New", "alice")


def test_the_admin_removes_an_application_with_its_keys_and_tells(admin_client, alice, program, outbox):
    text = keys.mint(alice, application=program)
    response = admin_client.post(f"/admin/access/application/{program.pk}/delete/", {"post": "yes"})
    assert (response.status_code, keys.find(text)) == (302, None)
    assert outbox()[-1] == "access.key.revoked"


def test_keys_are_paged(api, alice):
    client = api(alice)
    for _ in range(2):
        keys.mint(alice)
    first = client.get(KEYS, {"page_size": 2}).json()
    rest = client.get(first["next"]).json()
    assert [len(page["results"]) for page in (first, rest)] == [2, 1] and rest["next"] is None
