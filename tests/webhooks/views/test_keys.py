import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.utils import timezone

from config.rest import AnonymousThrottle
from webhooks import actions, message, signing


def path(pk):
    return f"/.well-known/tidewire/webhooks/{pk}/jwks.json"


def test_anybody_reads_the_public_keys_that_sign_and_nothing_else(api, alice, endpoint):
    made = endpoint(alice, signature="v1a")
    new = actions.rotate_secret(made)
    response = api().get(path(made.pk))
    assert response.status_code == 200
    assert response.json() == {"keys": [signing.jwk(new.private_key), signing.jwk(made.private_key)]}
    assert {name for key in response.json()["keys"] for name in key} == {"kty", "crv", "x", "kid", "use", "alg"}
    assert response["Cache-Control"] == "public, max-age=300"


def test_a_receiver_verifies_a_message_with_a_published_key_alone(api, alice, endpoint, ring):
    made = endpoint(alice, signature="v1a")
    headers = message.headers(made, "0199-a", b"{}", 1, timezone.now())
    [key] = api().get(path(made.pk)).json()["keys"]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{{}}".encode()
    public.verify(base64.b64decode(headers["webhook-signature"].removeprefix("v1a,")), signed)


def test_an_endpoint_with_a_secret_has_no_keys_and_neither_has_one_that_is_not_there(api, alice, endpoint):
    for pk in (endpoint(alice).pk, 1_000_000, 99999999999999999999):
        response = api().get(path(pk))
        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"


def test_the_keys_are_only_read(api, alice, endpoint):
    made = endpoint(alice, signature="v1a")
    for method in ("post", "put", "patch", "delete"):
        assert getattr(api(), method)(path(made.pk)).status_code == 405


def test_who_reads_without_end_is_told_to_wait(api, alice, endpoint, monkeypatch):
    monkeypatch.setattr(AnonymousThrottle, "THROTTLE_RATES", {"anon": "2/min"})
    made = endpoint(alice, signature="v1a")
    assert [api().get(path(made.pk)).status_code for _ in range(3)] == [200, 200, 429]
