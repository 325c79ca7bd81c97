import pytest
from rest_framework.test import APIClient

from access import keys
from access.models import ApiKey, User

TIMELINE = "/api/v1/timeline/"
PUBLIC = "/api/v1/feeds/"


def get(path, authorization=None):
    headers = {"Authorization": authorization} if authorization is not None else {}
    return APIClient().get(path, headers=headers)


def test_the_holder_of_a_key_is_its_user(alice):
    assert get(TIMELINE, f"Bearer {keys.mint(alice)}").status_code == 200


@pytest.mark.parametrize("authorization", ["Bearer tw_unknown", "Bearer", "Bearer ", "Bearer x"])
def test_a_key_that_opens_nothing_is_an_error_even_where_anonymous_may_read(alice, authorization):
    assert get(PUBLIC).status_code == 200
    response = get(PUBLIC, authorization)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


def test_a_key_goes_before_a_session(alice, mallory):
    client = APIClient()
    client.force_login(alice)
    assert client.get(TIMELINE).status_code == 200
    assert client.get(TIMELINE, headers={"Authorization": "Bearer tw_wrong"}).status_code == 401


def test_another_scheme_is_anonymous(alice):
    assert get(PUBLIC, "Basic YTpi").status_code == 200
    assert get(TIMELINE, "Basic YTpi").status_code == 401


def test_a_deactivated_user_is_nobody_by_key_and_by_session(alice):
    key, client = keys.mint(alice), APIClient()
    client.force_login(alice)
    User.objects.update(is_active=False)
    assert get(TIMELINE, f"Bearer {key}").status_code == 401
    assert client.get(TIMELINE).status_code == 401


def test_a_revoked_key_ends_at_once(alice, admin_client):
    key = keys.mint(alice)
    admin_client.post(
        "/admin/access/apikey/", {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]}, follow=False
    )
    assert get(TIMELINE, f"Bearer {key}").status_code == 401


def test_the_admin_makes_no_keys_and_shows_no_hash(alice, admin_client):
    keys.mint(alice)
    row = ApiKey.objects.get()
    assert admin_client.get("/admin/access/apikey/add/").status_code == 403
    assert bytes(row.hash).hex() not in admin_client.get(f"/admin/access/apikey/{row.pk}/change/").content.decode()
