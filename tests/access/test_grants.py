"""What is granted: who may read and publish by it, and the API by which it is given and ended."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from access import keys
from access.models import Application, Grant, User
from events import catalogue
from events.models import Outbox

URL = "/api/v1/access/grants/"
SOON = timezone.now() + timedelta(hours=1)


@pytest.fixture
def staff(db):
    return User.objects.create_user("dana", password="tidewire", is_staff=True)


@pytest.fixture
def program(alice):
    return Application.objects.create(owner=alice, name="Program")


def grant(topic, right="read", **fields):
    return Grant.objects.create(topic=topic, right=right, **fields)


def readable(user, *topics):
    return catalogue.readable(user, topics)


def test_a_topic_of_no_declared_kind_is_read_by_those_to_whom_it_is_granted(alice, mallory):
    grant("orders.1", user=alice)
    assert readable(alice, "orders.1", "orders.2", "orders.1.lines") == {"orders.1"}
    assert readable(mallory, "orders.1") == set()


def test_a_prefix_grants_all_below_it_and_not_itself(alice):
    grant("orders.eu.*", user=alice)
    topics = ["orders.eu", "orders.eu.1", "orders.eu.1.lines", "orders.europe", "orders.us.1"]
    assert readable(alice, *topics) == {"orders.eu.1", "orders.eu.1.lines"}


def test_a_grant_to_publish_is_none_to_read_and_the_other_way(alice):
    grant("orders.1", "publish", user=alice)
    grant("orders.2", "read", user=alice)
    assert Grant.objects.allowing(alice, "publish", ["orders.1", "orders.2"]) == {"orders.1"}
    assert readable(alice, "orders.1", "orders.2") == {"orders.2"}


@pytest.mark.parametrize("change", [{"expires_at": timezone.now()}, {"revoked_at": timezone.now()}])
def test_an_ended_grant_gives_nothing(alice, change):
    grant("orders.1", user=alice, **change)
    assert readable(alice, "orders.1") == set()


def test_a_grant_that_ends_later_gives_still(alice):
    grant("orders.1", user=alice, expires_at=SOON)
    assert readable(alice, "orders.1") == {"orders.1"}
    assert Grant.objects.held_by(alice).next_end() == SOON


def test_an_applications_grant_counts_for_calls_with_its_keys_alone(alice, program):
    grant("orders.1", application=program)
    other = Application.objects.create(owner=alice, name="Other")
    by = [keys.find(keys.mint(alice, application=each)).user for each in (program, other, None)]
    assert [readable(user, "orders.1") for user in by] == [{"orders.1"}, set(), set()]


def test_a_key_of_an_application_has_its_users_grants_too(alice, program):
    grant("orders.1", user=alice)
    assert readable(keys.find(keys.mint(alice, application=program)).user, "orders.1") == {"orders.1"}


def test_many_topics_are_one_query_on_an_index(alice, query_count):
    topics = [f"orders.{number}.lines" for number in range(2000)]
    grant("orders.7.*", user=alice)
    assert query_count(lambda: readable(alice, *topics)) == 1
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "access_grant_of_user" in Grant.objects.held_by(alice).valid().filter(topic__in=["a", "b"]).explain()


def test_nobody_is_granted_anything(api, db):
    assert api().get("/api/v1/events/?topic=orders.1").status_code == 403


def test_the_log_is_read_by_a_grant_until_it_is_revoked(api, alice, mallory):
    given = grant("orders.*", user=alice)
    client, url = api(alice), "/api/v1/events/?topic=orders.1"
    assert (client.get(url).status_code, api(mallory).get(url).status_code) == (200, 403)
    Grant.objects.filter(pk=given.pk).revoke()
    assert client.get(url).status_code == 403


@pytest.mark.parametrize(
    "topic",
    ["feeds.*", "feeds.1", "feeds.1.other", "users.*", "home", "me", "operations", "webhooks.*", "presence.*"],
)
def test_a_grant_never_reaches_into_declared_kinds(alice, topic):
    with pytest.raises(ValidationError, match="their own rule"):
        Grant(user=alice, topic=topic, right="read").full_clean()


@pytest.mark.parametrize("topic", ["", "*", ".*", "orders*", "orders.*.x", "a b", "é", "x" * 90, "orders..*", "a\n"])
def test_what_names_no_topics_is_not_granted(alice, topic):
    with pytest.raises(ValidationError):
        Grant(user=alice, topic=topic, right="read").full_clean()


def test_a_grant_is_to_one(alice, program):
    for who in ({}, {"user": alice, "application": program}):
        with pytest.raises(IntegrityError), transaction.atomic():
            grant("orders.1", **who)


# -- The API ----------------------------------------------------------------------------------------------------------


def test_staff_give_and_end_grants(api, staff, alice):
    client = api(staff)
    body = {"user": alice.pk, "topic": "orders.*", "right": "read", "expires_at": SOON.isoformat()}
    response = client.post(URL, body)
    assert response.status_code == 201, response.content
    given = response.json()
    assert set(given) == {
        *("id", "user", "application", "topic", "right", "granted_by", "created_at", "expires_at", "revoked_at")
    }
    assert given["user"] == {"id": alice.pk, "username": "alice"}
    assert given["granted_by"] == {"id": staff.pk, "username": "dana"}
    assert readable(alice, "orders.1")
    assert client.delete(f"{URL}{given['id']}/").status_code == 204
    assert not readable(alice, "orders.1")
    assert client.get(f"{URL}{given['id']}/").json()["revoked_at"]
    assert [row.type for row in Outbox.objects.filter(topic=f"users.{alice.pk}")][-2:] == [
        "access.grant.created",
        "access.grant.revoked",
    ]


def test_a_user_sees_their_own_and_their_applications_grants_and_staff_all(api, staff, alice, bob, program):
    mine, its, bobs = grant("a.1", user=alice), grant("b.1", application=program), grant("c.1", user=bob)

    def seen(user):
        return [each["id"] for each in api(user).get(URL).json()["results"]]

    assert (seen(alice), seen(bob), seen(staff)) == ([its.pk, mine.pk], [bobs.pk], [bobs.pk, its.pk, mine.pk])
    assert api(alice).get(f"{URL}{its.pk}/").json()["application"] == {"id": program.pk, "name": "Program"}


def test_mallory_gives_ends_and_sees_no_grants(api, alice, mallory):
    given = grant("orders.1", user=alice)
    client, body = api(mallory), {"user": mallory.pk, "topic": "orders.*", "right": "read"}
    assert client.post(URL, body).status_code == 403
    assert client.get(f"{URL}{given.pk}/").status_code == 404
    assert client.delete(f"{URL}{given.pk}/").status_code == 403
    assert api(alice).delete(f"{URL}{given.pk}/").status_code == 403
    assert api().get(URL).status_code == 401
    assert Grant.objects.valid().count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"topic": "feeds.*"}, "topic"),
        ({"topic": "*"}, "topic"),
        ({"topic": ["orders.1"]}, "topic"),
        ({"right": "write"}, "right"),
        ({"right": None}, "right"),
        ({"user": 10**30}, "user"),
        ({"user": "\0"}, "user"),
        ({"user": True}, "user"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"granted_by": 1}, "granted_by"),
    ],
)
def test_a_bad_grant_is_named_by_its_field(api, staff, alice, change, field):
    response = api(staff).post(URL, {"user": alice.pk, "topic": "orders.*", "right": "read"} | change)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)
    assert not Grant.objects.exists()


def test_a_grant_to_nobody_or_to_two_is_refused(api, staff, alice, program):
    body = {"topic": "orders.*", "right": "read"}
    for who in ({}, {"user": alice.pk, "application": program.pk}):
        assert api(staff).post(URL, body | who).status_code == 400


def test_the_grants_of_one_are_bounded(api, staff, alice, settings):
    settings.TIDEWIRE_MAX_GRANTS = 1
    client, body = api(staff), {"user": alice.pk, "topic": "orders.*", "right": "read"}
    assert client.post(URL, body).status_code == 201
    response = client.post(URL, body)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "too_many")


# -- The admin --------------------------------------------------------------------------------------------------------


def test_the_admin_gives_and_ends_grants(admin_client, alice):
    form = {"user": alice.pk, "topic": "orders.*", "right": "read"}
    assert admin_client.post("/admin/access/grant/add/", form).status_code == 302
    given = Grant.objects.get()
    assert given.granted_by.is_superuser and readable(alice, "orders.1")
    assert admin_client.get(f"/admin/access/grant/{given.pk}/change/").status_code == 200
    admin_client.post("/admin/access/grant/", {"action": "revoke", "_selected_action": [given.pk]})
    assert not readable(alice, "orders.1")


@pytest.mark.parametrize("change", [{"topic": "feeds.*"}, {"user": ""}])
def test_the_admin_gives_no_bad_grant(admin_client, alice, change):
    form = {"user": alice.pk, "topic": "orders.*", "right": "read"} | change
    assert admin_client.post("/admin/access/grant/add/", form).status_code == 200
    assert not Grant.objects.exists()
