from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from access import keys, principals, tickets
from access.models import ApiKey, Application, Grant, User

LATER = timezone.now() + timedelta(hours=1)


def sign_in(user):
    client = Client()
    client.force_login(user)
    return client


def session_key(client):
    return client.cookies["sessionid"].value


@pytest.fixture
def by_session(alice):
    return principals.by_session(session_key(sign_in(alice)))


@pytest.fixture
def by_key(alice):
    return principals.by_key(keys.mint(alice))


def test_nobody_is_valid_for_ever(query_count, db):
    nobody = principals.Anonymous("192.0.2.1")
    assert query_count(lambda: (nobody.still_valid(), nobody.ends_at())) == 0
    assert (nobody.still_valid(), nobody.ends_at(), nobody.topic, nobody.address) == (True, None, "", "192.0.2.1")


def test_each_knows_its_user_and_their_topic(alice, by_session, by_key):
    for each in (by_session, by_key):
        assert (each.user, each.topic, each.still_valid()) == (alice, f"users.{alice.pk}", True)


def test_a_session_that_is_none_is_nobodys(db):
    assert isinstance(principals.by_session("abcdefghijkl").user, AnonymousUser)


def test_a_key_that_opens_nothing_is_nobody_at_all(db):
    assert principals.by_key("tw_x") is None


def test_it_ends_with_the_key_or_the_session(by_session, by_key):
    assert by_key.ends_at() is None
    ApiKey.objects.update(expires_at=LATER)
    assert by_key.ends_at() == LATER
    assert by_session.ends_at() == Session.objects.get().expire_date


def test_a_revoked_or_expired_key_is_valid_no_more(by_key):
    for change in ({"revoked_at": timezone.now()}, {"revoked_at": None, "expires_at": timezone.now()}):
        ApiKey.objects.update(**change)
        assert (by_key.still_valid(), by_key.ends_at()) == (False, None)


def test_a_deactivated_user_is_valid_no_more_by_anything(by_session, by_key):
    User.objects.update(is_active=False)
    assert (by_session.still_valid(), by_key.still_valid(), by_session.ends_at()) == (False, False, None)


def test_a_session_that_became_anothers_is_valid_no_more(by_session, bob):
    other = Session.objects.get(pk=session_key(sign_in(bob)))
    Session.objects.filter(pk=by_session._session_key).update(session_data=other.session_data)
    assert not by_session.still_valid()


def test_asking_again_knows_the_user_anew(by_session, by_key):
    User.objects.update(is_staff=True)
    for each in (by_session, by_key):
        assert each.still_valid() and each.user.is_staff


def test_asking_a_key_again_is_no_use_of_it(by_key):
    ApiKey.objects.update(last_used_at=None)
    by_key.still_valid()
    assert ApiKey.objects.get().last_used_at is None


def test_it_ends_with_the_first_grant_that_does(alice, by_session, by_key):
    for hours in (3, 2):
        grant_until(LATER + timedelta(hours=hours), user=alice)
    grant_until(LATER - timedelta(hours=2), user=alice)
    assert by_key.ends_at() == by_session.ends_at() == LATER + timedelta(hours=2)


def test_what_is_granted_to_the_keys_application_ends_it_too(alice, by_key):
    program = Application.objects.create(owner=alice, name="Program")
    holder = principals.by_key(keys.mint(alice, application=program))
    grant_until(LATER, application=program)
    assert (holder.ends_at(), by_key.ends_at()) == (LATER, None)
    assert holder.still_valid() and holder.user.acting_application == program


def grant_until(moment, **who):
    Grant.objects.create(topic="orders.*", right="read", expires_at=moment, **who)


# -- Tickets ----------------------------------------------------------------------------------------------------------


def test_a_ticket_stands_for_the_session_it_was_made_from_and_ends_with_it(alice):
    client = sign_in(alice)
    text, _ = tickets.make(alice, session_key=session_key(client))
    holder = principals.by_ticket(text)
    assert (holder.user, holder.still_valid()) == (alice, True)
    client.post("/accounts/logout/")
    assert not holder.still_valid()


def test_a_ticket_stands_for_the_key_it_was_made_from_and_ends_with_it(alice):
    keys.mint(alice)
    text, _ = tickets.make(alice, api_key=ApiKey.objects.get())
    holder = principals.by_ticket(text)
    assert (holder.user, holder.still_valid()) == (alice, True)
    ApiKey.objects.update(revoked_at=timezone.now())
    assert not holder.still_valid()


def test_a_ticket_opens_nothing_after_the_logout_or_the_revocation(alice):
    client = sign_in(alice)
    keys.mint(alice)
    made = [
        tickets.make(alice, session_key=session_key(client))[0],
        tickets.make(alice, api_key=ApiKey.objects.get())[0],
    ]
    client.post("/accounts/logout/")
    ApiKey.objects.update(revoked_at=timezone.now())
    assert [principals.by_ticket(text) for text in made] == [None, None]


def test_mallorys_ticket_from_somebody_elses_session_opens_nothing(alice, mallory):
    text, _ = tickets.make(mallory, session_key=session_key(sign_in(alice)))
    assert principals.by_ticket(text) is None
