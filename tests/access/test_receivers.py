import json

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from access import keys
from access.models import ApiKey, Application, Grant, User
from events.catalogue import changes_rights
from events.models import Outbox

PASSWORD = "another tide altogether"


@pytest.fixture
def told(alice):
    """Return the types of the rights that were told of to alice, and see that nobody else was told and no secret."""
    Outbox.objects.all().delete()

    def read():
        rows = Outbox.objects.filter(type__startswith="access.").order_by("id")
        assert {row.topic for row in rows} <= {f"users.{alice.pk}"}
        assert all(changes_rights(row.type) for row in rows)
        return [row.type for row in rows]

    return read


def sign_in(user):
    client = Client()
    client.force_login(user)
    return client


def test_signing_out_is_told_in_the_transaction_that_deletes_the_session(alice, told):
    client = sign_in(alice)
    with transaction.atomic():
        client.post("/accounts/logout/")
        assert told() == ["access.session.ended"] and not Session.objects.exists()
        transaction.set_rollback(True)
    assert told() == [] and Session.objects.exists()


def test_a_session_deleted_by_shell_is_told_and_one_that_expired_or_was_nobodys_is_not(alice, told, client):
    sign_in(alice)
    Session.objects.all().delete()
    assert told() == ["access.session.ended"]
    sign_in(alice)
    Session.objects.update(expire_date=timezone.now())
    call_command("clearsessions")
    session = client.session
    session["theme"] = "dark"
    session.save()
    Session.objects.all().delete()
    assert told() == ["access.session.ended"]


def test_signing_in_is_not_told(alice, told):
    Client().post("/accounts/login/", {"username": "alice", "password": "tidewire"})
    assert Session.objects.exists() and told() == []


def test_a_new_password_is_told_as_it_ends_every_session(alice, told):
    alice.set_password(PASSWORD)
    alice.save()
    assert told() == ["access.session.ended"]
    alice.save()
    assert told() == ["access.session.ended"]


def test_no_secret_is_in_what_is_told(alice, told):
    client, text = sign_in(alice), keys.mint(alice, name="laptop")
    session = client.cookies["sessionid"].value
    client.post("/accounts/logout/")
    ApiKey.objects.revoke()
    alice.set_password(PASSWORD)
    alice.save()
    said = json.dumps(list(Outbox.objects.values_list("data", "subject")))
    for secret in (text, text[:8], session, alice.password):
        assert secret not in said
    assert len(told()) == 3


def test_deactivating_and_reactivating_are_told_once_each(alice, told):
    for active in (False, False, True):
        alice.is_active = active
        alice.save()
    assert told() == ["access.user.deactivated", "access.user.reactivated"]
    assert Outbox.objects.first().data == {"user": {"id": alice.pk, "username": "alice", "is_active": False}}


def test_deactivating_and_what_is_told_of_it_commit_together(alice, told):
    with transaction.atomic():
        alice.is_active = False
        alice.save()
        transaction.set_rollback(True)
    assert told() == [] and User.objects.get().is_active


@pytest.mark.parametrize("written", [["first_name"], []])
def test_what_is_not_written_is_not_told(alice, told, written):
    alice.is_active = False
    alice.save(update_fields=written)
    assert told() == []


def test_the_admin_tells_too(alice, told, admin_client):
    form = admin_client.get(f"/admin/access/user/{alice.pk}/change/").context["adminform"].form
    fields = {name: value for name, value in form.initial.items() if value not in (None, False) and name != "password"}
    joined = {
        "date_joined_0": str(alice.date_joined.date()),
        "date_joined_1": "10:00:00",
        "groups": [],
        "user_permissions": [],
    }
    response = admin_client.post(f"/admin/access/user/{alice.pk}/change/", fields | joined | {"is_active": ""})
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert told() == ["access.user.deactivated"]


def test_a_revoked_key_is_told_once_in_the_same_transaction(alice, told):
    keys.mint(alice)
    with transaction.atomic():
        assert ApiKey.objects.revoke() == 1
        assert told() == ["access.key.revoked"]
        transaction.set_rollback(True)
    assert told() == [] and ApiKey.objects.get().revoked_at is None
    assert [ApiKey.objects.revoke() for _ in range(2)] == [1, 0]
    assert told() == ["access.key.revoked"]


def test_a_key_revoked_in_the_admin_is_told(alice, told, admin_client):
    keys.mint(alice)
    admin_client.post("/admin/access/apikey/", {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]})
    assert told() == ["access.key.revoked"]


def test_a_deleted_key_is_told_unless_it_was_revoked_before(alice, told):
    keys.mint(alice)
    ApiKey.objects.revoke()
    keys.mint(alice)
    ApiKey.objects.all().delete()
    assert told() == ["access.key.revoked", "access.key.revoked"]


def test_a_deleted_user_is_told_as_deactivated(told):
    dave = User(username="dave")
    dave.set_password(PASSWORD)
    super(User, dave).save()  # without a feed, which would protect them
    pk = dave.pk
    dave.delete()
    assert list(Outbox.objects.values_list("type", "topic")) == [("access.user.deactivated", f"users.{pk}")]


def test_a_grant_is_told_when_it_is_given_and_when_it_ends(alice, told):
    Grant.objects.create(user=alice, topic="orders.*", right="read")
    with transaction.atomic():
        Grant.objects.revoke()
        transaction.set_rollback(True)
    assert told() == ["access.grant.created"]
    assert [Grant.objects.revoke() for _ in range(2)] == [1, 0]
    assert told() == ["access.grant.created", "access.grant.revoked"]
    assert Outbox.objects.last().data["grant"]["revoked_at"]


def test_what_an_application_is_granted_is_told_to_its_owner(alice, told):
    program = Application.objects.create(owner=alice, name="Program")
    Grant.objects.create(application=program, topic="orders.1", right="publish")
    keys.mint(alice, application=program)
    program.delete()
    assert sorted(told()) == ["access.grant.created", "access.grant.revoked", "access.key.revoked"]


def test_a_deleted_grant_is_told_unless_it_was_revoked_before(alice, told):
    Grant.objects.create(user=alice, topic="orders.*", right="read")
    Grant.objects.all().delete()
    Grant.objects.create(user=alice, topic="orders.*", right="read")
    Grant.objects.revoke()
    Grant.objects.all().delete()
    assert told() == ["access.grant.created", "access.grant.revoked"] * 2
