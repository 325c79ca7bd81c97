import base64
import re
from datetime import UTC, datetime

import pytest
import standardwebhooks

from webhooks.signing import (
    SignatureError,
    given_secret,
    jwk,
    new_private_key,
    new_secret,
    public_key,
    sign,
    signer,
    verify,
)

# Known answers published with the reference implementations of Standard Webhooks.
MESSAGE_ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
ED25519_SIGNATURE = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="


def headers_of(signature, message_id=MESSAGE_ID, timestamp=TIMESTAMP):
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": signature,
    }


def test_a_new_secret_has_32_random_bytes_behind_its_prefix():
    first, second = new_secret(), new_secret()
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
    assert first != second


def test_a_new_private_key_signs_what_its_public_key_verifies():
    private = new_private_key()
    signature = sign(MESSAGE_ID, TIMESTAMP, BODY, [private])
    assert verify(headers_of(signature), BODY, [public_key(private)], now=TIMESTAMP) == MESSAGE_ID
    assert re.fullmatch(r"whsk_[A-Za-z0-9+/]{86}==", private)


@pytest.mark.parametrize(
    ("secret", "signature"),
    [(SECRET, SIGNATURE), (SECRET.removeprefix("whsec_"), SIGNATURE), (PRIVATE, ED25519_SIGNATURE)],
)
def test_the_known_answers_come_out(secret, signature):
    assert sign(MESSAGE_ID, TIMESTAMP, BODY, [secret]) == signature


def test_the_public_key_belongs_to_the_known_private_key():
    assert public_key(PRIVATE) == PUBLIC


def test_several_secrets_give_a_list_parted_by_spaces():
    assert sign(MESSAGE_ID, TIMESTAMP, BODY, [SECRET, PRIVATE]) == f"{SIGNATURE} {ED25519_SIGNATURE}"


@pytest.mark.parametrize("key", [SECRET, PRIVATE, PUBLIC])
def test_each_kind_of_key_verifies_its_signature_in_a_list(key):
    headers = headers_of(f"v1,AAAA {SIGNATURE} {ED25519_SIGNATURE}")
    assert verify(headers, BODY, [new_secret(), key], now=TIMESTAMP) == MESSAGE_ID


def test_a_receiver_with_either_secret_of_a_rotation_accepts():
    old, new = new_secret(), new_secret()
    headers = headers_of(sign(MESSAGE_ID, TIMESTAMP, BODY, [new, old]))
    assert verify(headers, BODY, [old], now=TIMESTAMP) == MESSAGE_ID
    assert verify(headers, BODY, [new], now=TIMESTAMP) == MESSAGE_ID


@pytest.mark.parametrize("key", [SECRET, PUBLIC])
@pytest.mark.parametrize(
    ("message_id", "timestamp", "body"),
    [("msg_other", TIMESTAMP, BODY), (MESSAGE_ID, TIMESTAMP + 1, BODY), (MESSAGE_ID, TIMESTAMP, BODY + b" ")],
)
def test_a_change_of_id_time_or_body_is_refused(key, message_id, timestamp, body):
    headers = headers_of(f"{SIGNATURE} {ED25519_SIGNATURE}", message_id, timestamp)
    with pytest.raises(SignatureError, match="No signature matches"):
        verify(headers, body, [key], now=TIMESTAMP)


@pytest.mark.parametrize("key", [new_secret(), public_key(new_private_key())])
def test_another_key_is_refused(key):
    with pytest.raises(SignatureError, match="No signature matches"):
        verify(headers_of(f"{SIGNATURE} {ED25519_SIGNATURE}"), BODY, [key], now=TIMESTAMP)


def test_without_any_key_nothing_is_trusted():
    with pytest.raises(SignatureError, match="No signature matches"):
        verify(headers_of(SIGNATURE), BODY, [], now=TIMESTAMP)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_the_timestamp_may_be_five_minutes_off_either_way(seconds):
    assert verify(headers_of(SIGNATURE), BODY, [SECRET], now=TIMESTAMP + seconds)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_message_cannot_be_played_again_nor_one_from_the_future(seconds):
    with pytest.raises(SignatureError, match="timestamp is too far"):
        verify(headers_of(SIGNATURE), BODY, [SECRET], now=TIMESTAMP + seconds)


def test_the_tolerance_can_be_chosen():
    assert verify(headers_of(SIGNATURE), BODY, [SECRET], now=TIMESTAMP + 3600, tolerance_seconds=3600)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_or_empty_header_is_named(name, value):
    headers = {key: given for key, given in headers_of(SIGNATURE).items() if key != name}
    if value is not None:
        headers[name] = value
    with pytest.raises(SignatureError, match=name.lower()):
        verify(headers, BODY, [SECRET], now=TIMESTAMP)


@pytest.mark.parametrize("timestamp", ["soon", "1614265330.5", "-1", "+1", "01614265330", "١٦١٤٢٦٥٣٣٠", "9" * 5000])
def test_a_timestamp_that_is_not_whole_seconds_is_refused(timestamp):
    with pytest.raises(SignatureError, match="whole Unix seconds"):
        verify(headers_of(SIGNATURE, timestamp=timestamp), BODY, [SECRET], now=TIMESTAMP)


@pytest.mark.parametrize("signature", ["v1", "v1,", ",", "v2," + SIGNATURE[3:], "v1a,%%%", "v1,é\udce9", "v1a,é"])
@pytest.mark.parametrize("key", [SECRET, PUBLIC])
def test_a_malformed_signature_is_refused_and_never_crashes(signature, key):
    with pytest.raises(SignatureError, match="No signature matches"):
        verify(headers_of(signature), BODY, [key], now=TIMESTAMP)


@pytest.mark.parametrize("signature", ["v1a," + SIGNATURE[3:], "v1," + ED25519_SIGNATURE[4:]])
def test_a_signature_does_not_count_under_the_other_version(signature):
    with pytest.raises(SignatureError, match="No signature matches"):
        verify(headers_of(signature), BODY, [SECRET, PUBLIC], now=TIMESTAMP)


@pytest.mark.parametrize("message_id", ["", "a.1", "a b", "a\n", "é"])
def test_an_id_that_could_shift_the_signed_fields_is_refused(message_id):
    with pytest.raises(SignatureError, match="message id"):
        sign(message_id, TIMESTAMP, BODY, [SECRET])


@pytest.mark.parametrize(
    "key",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_not base64",
        "whsk_AAAA",
        PRIVATE[:-20] + "A" * 18 + "==",
        PUBLIC,
    ],
)
def test_a_key_that_cannot_sign_is_refused_without_being_shown(key):
    with pytest.raises(SignatureError) as caught:
        sign(MESSAGE_ID, TIMESTAMP, BODY, [key])
    assert not key or key.partition("_")[2] not in str(caught.value) or key == "whsec_"


def test_signing_without_secrets_is_refused():
    with pytest.raises(SignatureError):
        sign(MESSAGE_ID, TIMESTAMP, BODY, [])


def test_the_official_library_verifies_our_signature():
    secret, now = new_secret(), int(datetime.now(UTC).timestamp())
    signature = sign("0199c1e2-0000", now, BODY, [new_secret(), new_private_key(), secret])
    payload = standardwebhooks.Webhook(secret).verify(BODY, headers_of(signature, "0199c1e2-0000", now))
    assert payload == {"test": 2432232314}


def test_we_verify_the_signature_of_the_official_library():
    secret, moment = new_secret(), datetime.fromtimestamp(TIMESTAMP, UTC)
    signature = standardwebhooks.Webhook(secret).sign(MESSAGE_ID, moment, BODY.decode())
    assert verify(headers_of(signature), BODY, [secret], now=TIMESTAMP) == MESSAGE_ID


# -- Secrets from elsewhere, and keys that are published ---------------------------------------------------------------


@pytest.mark.parametrize("length", [24, 25, 26, 64])
def test_a_given_secret_is_kept_in_the_spelling_that_every_library_reads(length):
    text = base64.b64encode(bytes(range(length))).decode()
    for spelling in (text, text.rstrip("=")):
        secret = given_secret("whsec_" + spelling)
        assert secret == "whsec_" + text
        assert standardwebhooks.Webhook(secret)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SECRET.removeprefix("whsec_"), "begins with whsec_"),
        (PRIVATE, "begins with whsec_"),
        ("whsec_", "24 to 64"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "24 to 64"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "24 to 64"),
        ("whsec_not base64", "not valid base64"),
        ("whsec_-_" + "A" * 40, "not valid base64"),
        ("whsec_é", "not valid base64"),
    ],
)
def test_what_cannot_be_a_secret_is_refused_without_being_shown(text, reason):
    with pytest.raises(SignatureError, match=reason) as caught:
        given_secret(text)
    assert text not in str(caught.value)


def test_a_key_is_read_once_for_many_messages():
    sign_it = signer(SECRET)
    content = f"{MESSAGE_ID}.{TIMESTAMP}.".encode() + BODY
    assert [sign_it(content), sign_it(content)] == [SIGNATURE, SIGNATURE]
    assert signer(PRIVATE)(content) == ED25519_SIGNATURE


def test_a_key_is_published_as_the_standards_example_is():
    # RFC 8037, appendix A: the key, its public half and its thumbprint.
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    assert jwk("whsk_" + base64.b64encode(seed).decode()) == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "use": "sig",
        "alg": "EdDSA",
    }


def test_both_halves_of_a_key_are_published_alike_and_a_secret_never():
    assert jwk(PRIVATE) == jwk(PUBLIC)
    with pytest.raises(SignatureError):
        jwk("whsec_" + base64.b64encode(bytes(24)).decode())
