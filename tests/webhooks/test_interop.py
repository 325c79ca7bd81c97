"""What is really sent, read by what receivers really have: the libraries of the standards, and plain cryptography."""

import base64
from urllib.parse import urlsplit

import pytest
import standardwebhooks
import svix.webhooks
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.webhooks.tunnels import proxy_in_a_thread
from webhooks import actions, signing
from webhooks.models import Attempt

pytestmark = pytest.mark.django_db(transaction=True)

LIBRARIES = [standardwebhooks.Webhook, svix.webhooks.Webhook]


@pytest.fixture
def caught(webhook_receiver, alice, publish):
    """Let an entry be published and sent to an endpoint, and return the request that came."""

    def catch(endpoint):
        publish("Grüße, 世界 \u2028 <b>&amp;")
        webhook_receiver.deliver()
        return webhook_receiver.requests[-1]

    return catch


@pytest.fixture
def endpoint(webhook_receiver, alice):
    def make(**fields):
        return webhook_receiver.endpoint(alice, event_types=["feeds.entry.published"], **fields)

    return make


def public_keys(api, endpoint):
    """Return the keys of an endpoint as a receiver gets them: over HTTP, without signing in."""
    answer = api().get(f"/.well-known/tidewire/webhooks/{endpoint.pk}/jwks.json")
    assert answer.status_code == 200
    assert {(key["kty"], key["crv"]) for key in answer.json()["keys"]} == {("OKP", "Ed25519")}
    return [
        Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=")) for key in answer.json()["keys"]
    ]


def signatures(request, version):
    parts = [one.split(",") for one in request.header("webhook-signature").split(" ")]
    return [base64.b64decode(encoded, validate=True) for kind, encoded in parts if kind == version]


def signed(request):
    return f"{request.header('webhook-id')}.{request.header('webhook-timestamp')}.".encode() + request.body


def altered(request, version):
    """Yield the request's headers with each byte of a signature changed in turn."""
    [raw] = signatures(request, version)
    for place in range(len(raw)):
        wrong = bytearray(raw)
        wrong[place] ^= 1
        yield dict(request.headers) | {"webhook-signature": f"{version},{base64.b64encode(wrong).decode()}"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_sent_is_verified_by_the_libraries_and_by_no_other_secret(library, caught, endpoint):
    made = endpoint()
    request = caught(made)
    library(made.secret).verify(request.body, dict(request.headers))
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        library(signing.new_secret()).verify(request.body, dict(request.headers))


@pytest.mark.parametrize("library", LIBRARIES)
def test_while_a_secret_rotates_the_libraries_verify_with_the_old_one_and_with_the_new_one(library, caught, endpoint):
    made = endpoint()
    old = made.secret
    new = actions.rotate_secret(made, overlap_hours=1).secret
    request = caught(made)
    assert len(signatures(request, "v1")) == 2
    for secret in (old, new):
        library(secret).verify(request.body, dict(request.headers))


def test_a_signature_that_differs_in_any_byte_is_refused_by_all(caught, endpoint):
    made = endpoint()
    request = caught(made)
    wrong = list(altered(request, "v1"))
    assert len(wrong) == 32
    for headers in wrong:
        for library in LIBRARIES:
            with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
                library(made.secret).verify(request.body, headers)
        with pytest.raises(signing.SignatureError):
            signing.verify(headers, request.body, [made.secret], now=request.at)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_body_that_differs_in_any_byte_is_refused(library, caught, endpoint):
    made = endpoint()
    request = caught(made)
    for place in range(0, len(request.body), 7):
        body = request.body[:place] + b"~" + request.body[place + 1 :]
        # The libraries read a body as UTF-8 first.
        with pytest.raises((standardwebhooks.webhooks.WebhookVerificationError, UnicodeDecodeError)):
            library(made.secret).verify(body, dict(request.headers))


def test_v1a_is_verified_by_plain_cryptography_with_the_published_keys(caught, endpoint, api):
    made = endpoint(signature="v1a")
    request = caught(made)
    [key], [signature] = public_keys(api, made), signatures(request, "v1a")
    key.verify(signature, signed(request))
    for headers in altered(request, "v1a"):
        [_, encoded] = headers["webhook-signature"].split(",")
        with pytest.raises(InvalidSignature):
            key.verify(base64.b64decode(encoded), signed(request))
        with pytest.raises(signing.SignatureError):
            signing.verify(headers, request.body, [signing.public_key(made.private_key)], now=request.at)
    with pytest.raises(InvalidSignature):
        key.verify(signature, signed(request) + b" ")


def test_v1a_is_verified_by_our_own_verifier_with_the_public_key_alone(caught, endpoint):
    made = endpoint(signature="v1a")
    request = caught(made)
    public = signing.public_key(made.private_key)
    assert signing.verify(request.headers, request.body, [public], now=request.at) == request.header("webhook-id")


def test_while_a_v1a_key_rotates_each_published_key_verifies_one_of_the_signatures(caught, endpoint, api):
    made = endpoint(signature="v1a")
    before = public_keys(api, made)
    actions.rotate_secret(made, overlap_hours=1)
    request = caught(made)
    keys = public_keys(api, made)
    assert [key.public_bytes_raw() for key in keys[1:]] == [key.public_bytes_raw() for key in before]
    for key, signature in zip(keys, signatures(request, "v1a"), strict=True):
        key.verify(signature, signed(request))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_knows_v1_alone_takes_a_v1a_signature_for_none(library, caught, endpoint):
    made = endpoint(signature="v1a")
    request = caught(made)
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError, match="No matching signature"):
        library(made.secret).verify(request.body, dict(request.headers))


def test_what_is_sent_is_a_cloud_event_to_the_cloudevents_sdk(caught, endpoint):
    request = caught(endpoint())
    headers = {name.lower(): value for name, value in request.headers.items()}
    event = from_http_event(HTTPMessage(headers=headers, body=request.body))
    assert (event.get_type(), event.get_specversion()) == ("feeds.entry.published", "1.0")
    assert event.get_id() == request.header("webhook-id")
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data()["entry"]["text"] == "Grüße, 世界 \u2028 <b>&amp;"
    assert event.get_time().tzinfo is not None
    assert event.get_extension("topic").startswith("feeds.")
    assert event.get_extension("cursor") and event.get_extension("previous")


def test_with_an_egress_proxy_set_all_that_is_sent_goes_through_it(webhook_receiver, alice, publish, settings):
    made = webhook_receiver.endpoint(alice, "hook", event_types=["feeds.entry.published"])
    with proxy_in_a_thread(leads_to=urlsplit(webhook_receiver.url).port) as proxy:
        settings.TIDEWIRE_WEBHOOKS_PROXY_URL = proxy.url
        publish("Hello")
        webhook_receiver.deliver()
    webhook_receiver.assert_sent("feeds.entry.published", entry={"text": "Hello"})
    place = urlsplit(made.url).netloc.encode()
    assert [request.split()[:2] for request in proxy.requests] == [[b"CONNECT", place]]


def test_an_endpoint_that_is_refused_by_now_gets_nothing_and_nothing_of_it_is_kept(
    webhook_receiver, alice, publish, settings
):
    made = webhook_receiver.endpoint(alice, event_types=["feeds.entry.published"])
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    publish("Hello")
    webhook_receiver.deliver()
    [attempt] = Attempt.objects.filter(delivery__endpoint=made)
    assert attempt.error == "Refused: 127.0.0.1 is a loopback address (RFC 1122)."
    assert (attempt.status_code, attempt.response_headers, attempt.response_body) == (None, {}, "")
    assert webhook_receiver.requests == []
