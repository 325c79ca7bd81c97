from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from webhooks import actions, keys, signing
from webhooks.models import Endpoint, RetiredSecret


@pytest.fixture
def made(endpoint, alice):
    return endpoint(alice)


@pytest.fixture
def signed(endpoint, alice):
    """An endpoint that is signed for with a pair of keys."""
    return endpoint(alice, signature="v1a")


def signing_now(endpoint):
    return Endpoint.objects.get(pk=endpoint.pk).signing_keys(timezone.now())


def test_after_rotations_all_keys_sign_the_newest_first(made):
    secrets = [made.secret] + [actions.rotate_secret(made).secret for _ in range(3)]
    assert signing_now(made) == secrets[::-1]


def test_a_pair_of_keys_rotates_as_a_secret_does(signed):
    new = actions.rotate_secret(signed)
    assert signing_now(signed) == [new.private_key, signed.private_key]
    assert new.secret == signed.secret


def test_no_more_than_ten_old_keys_sign_and_the_eldest_goes(made):
    secrets = [actions.rotate_secret(made).secret for _ in range(12)]
    assert signing_now(made) == secrets[::-1][:11]


def test_with_no_overlap_the_new_key_alone_signs(made):
    actions.rotate_secret(made)
    new = actions.rotate_secret(made, overlap_hours=0)
    assert signing_now(made) == [new.secret]


def test_keys_whose_time_is_over_go_with_the_next_rotation_and_when_they_are_forgotten(made, endpoint, mallory):
    actions.rotate_secret(made)
    actions.rotate_secret(endpoint(mallory))
    RetiredSecret.objects.filter(endpoint=made).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert len(signing_now(made)) == 1
    actions.rotate_secret(made)
    assert made.retired_secrets.count() == 1
    made.retired_secrets.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert keys.forget_retired() == 1
    assert RetiredSecret.objects.count() == 1


def test_another_signature_lets_the_old_key_sign_on_for_a_day(made):
    new = actions.change_endpoint(made, signature="v1a")
    assert signing_now(made) == [new.private_key, made.secret]
    assert timedelta(hours=23.9) < made.retired_secrets.get().expires_at - timezone.now() <= timedelta(hours=24)


def test_who_switches_back_has_the_same_secret_and_no_key_signs_twice(made):
    private = actions.change_endpoint(made, signature="v1a").private_key
    actions.change_endpoint(made, signature="v1")
    assert signing_now(made) == [made.secret, private]
    actions.change_endpoint(made, signature="v1a")
    assert signing_now(made) == [private, made.secret]


def test_a_rotation_back_to_an_old_secret_signs_with_it_once(made):
    new = actions.rotate_secret(made).secret
    actions.rotate_secret(made, secret=made.secret)
    assert signing_now(made) == [made.secret, new]


def test_a_secret_has_no_public_key(made, signed):
    assert keys.public_key(made) is None
    assert keys.jwks(made) == []
    assert keys.public_key(signed) == signing.public_key(signed.private_key)


def test_the_published_keys_are_those_that_sign_now(signed):
    first = signing.jwk(signed.private_key)
    second = signing.jwk(actions.rotate_secret(signed).private_key)
    signed.refresh_from_db()
    assert keys.jwks(signed) == [second, first]
    signed = actions.change_endpoint(signed, signature="v1")
    assert keys.jwks(signed) == [second, first]
    assert keys.public_key(signed) is None
    signed.retired_secrets.update(expires_at=timezone.now())
    assert keys.jwks(signed) == []


# -- At rest -----------------------------------------------------------------------------------------------------------


def at_rest():
    return [
        *(value for row in Endpoint.objects.values_list(*keys.ENCRYPTED[Endpoint]) for value in row if value),
        *RetiredSecret.objects.values_list("encrypted", flat=True),
    ]


def test_all_is_brought_under_the_new_key_so_that_the_old_one_can_go(endpoint, alice, settings, monkeypatch):
    monkeypatch.setattr(keys, "CHUNK", 2)
    settings.SECRET_KEY = "old"
    made = [endpoint(alice, signature="v1a", headers={"X": "hush"}) for _ in range(3)]
    actions.rotate_secret(made[0])
    before = [(each.secret, each.private_key, each.headers) for each in Endpoint.objects.order_by("pk")]
    retired = RetiredSecret.objects.get().key
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    assert keys.encrypt_anew() == (10, 0)
    settings.SECRET_KEY_FALLBACKS = []
    assert [(each.secret, each.private_key, each.headers) for each in Endpoint.objects.order_by("pk")] == before
    assert RetiredSecret.objects.get().key == retired


def test_what_is_under_the_present_key_stays_as_it_is(endpoint, alice):
    actions.rotate_secret(endpoint(alice, headers={"X": "hush"}))
    before = at_rest()
    assert keys.encrypt_anew() == (0, 0)
    assert at_rest() == before


def test_what_no_key_reads_is_counted_and_left(made):
    alien = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    Endpoint.objects.update(encrypted_secret=alien)
    assert keys.encrypt_anew() == (0, 1)
    assert Endpoint.objects.get().encrypted_secret == alien


def test_a_key_that_cannot_be_read_is_neither_kept_nor_in_the_way(made):
    actions.rotate_secret(made)
    alien = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    Endpoint.objects.update(encrypted_secret=alien)
    RetiredSecret.objects.update(encrypted=alien)
    new = actions.rotate_secret(made)
    assert signing_now(made) == [new.secret]
