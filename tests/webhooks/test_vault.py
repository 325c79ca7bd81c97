import pytest
from cryptography.fernet import InvalidToken

from webhooks import actions, vault
from webhooks.models import Endpoint, RetiredSecret


def test_what_was_encrypted_is_read_again_and_shows_nothing():
    hidden = vault.encrypt("whsec_secret")
    assert "secret" not in hidden
    assert vault.decrypt(hidden) == "whsec_secret"
    assert vault.encrypt("whsec_secret") != hidden


def test_an_earlier_key_still_reads_while_it_is_a_fallback(settings):
    settings.SECRET_KEY = "old"
    hidden = vault.encrypt("whsec_secret")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["older", "old"]
    assert vault.decrypt(hidden) == "whsec_secret"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(InvalidToken):
        vault.decrypt(hidden)


def test_what_is_new_is_encrypted_with_the_new_key(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    hidden = vault.encrypt("whsec_secret")
    settings.SECRET_KEY_FALLBACKS = []
    assert vault.decrypt(hidden) == "whsec_secret"


def test_a_secret_lies_in_the_database_as_ciphertext(endpoint, alice):
    made = endpoint(alice)
    assert made.secret.startswith("whsec_")
    row = Endpoint.objects.values().get(pk=made.pk)
    assert not any(made.secret.removeprefix("whsec_") in str(value) for value in row.values())


def test_what_an_earlier_key_encrypted_is_renewed_and_the_rest_stays_as_it_is(settings):
    settings.SECRET_KEY = "old"
    old = vault.encrypt("whsec_secret")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    renewed = vault.renew(old)
    assert vault.renew(renewed) == renewed != old
    settings.SECRET_KEY_FALLBACKS = []
    assert vault.decrypt(renewed) == "whsec_secret"
    with pytest.raises(InvalidToken):
        vault.renew(old)


def test_all_that_is_secret_lies_in_the_database_as_ciphertext(endpoint, alice):
    made = endpoint(alice, signature="v1a", headers={"Authorization": "Bearer hush"})
    actions.rotate_secret(made)
    rows = [*Endpoint.objects.values(), *RetiredSecret.objects.values()]
    for secret in (made.secret, made.private_key, Endpoint.objects.get().private_key, "hush", "Authorization"):
        assert not any(secret.rpartition("_")[2] in str(row) for row in rows)
