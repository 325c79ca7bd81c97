import asyncio
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from cryptography.fernet import Fernet, InvalidToken
from django.utils import timezone

from events import log
from webhooks import actions, message, signing
from webhooks.models import Endpoint, RetiredSecret

NOW = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
BODY = '{"data":{"sound":"ding \'dong\' — $(true) \\n"}}'.encode()


@pytest.fixture
def made(endpoint, alice):
    return endpoint(alice)


def written(endpoint, number=1, body=BODY, now=NOW):
    return message.headers(Endpoint.objects.get(pk=endpoint.pk), "0199-a", body, number, now)


def test_the_body_is_the_event_whatever_it_is_called(ring):
    [event] = ring("ding")
    body = json.loads(message.body_of(event, log.head().epoch))
    assert (body["id"], body["type"], body["data"]) == (str(event.event_id), "tests.bell.rang", {"sound": "ding"})


@pytest.mark.parametrize("content_type", Endpoint.ContentType.values)
def test_the_headers_are_the_standards_and_ours(endpoint, alice, content_type):
    made = endpoint(alice, content_type=content_type)
    headers = written(made, number=3)
    signature = signing.sign("0199-a", int(NOW.timestamp()), BODY, [made.secret])
    assert headers == {
        "content-type": content_type,
        "webhook-id": "0199-a",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": signature,
        "tidewire-attempt": "3",
    }
    assert set(headers) == message.OURS


def test_each_try_is_signed_for_its_own_moment(made):
    first, second = written(made), written(made, 2, now=NOW + timedelta(seconds=5))
    assert first["webhook-id"] == second["webhook-id"]
    for headers, moment in ((first, NOW), (second, NOW + timedelta(seconds=5))):
        assert signing.verify(headers, BODY, [made.secret], now=int(moment.timestamp()), tolerance_seconds=0)


def test_the_subscribers_own_headers_go_along_and_never_replace_ours(endpoint, alice):
    made = endpoint(alice, headers={"Authorization": "Bearer hush"})
    # As if written before a name was reserved.
    made.headers = {"Authorization": "Bearer hush", "Webhook-ID": "forged", "host": "forged", "Content-Type": "forged"}
    made.save()
    headers = written(made)
    assert headers["Authorization"] == "Bearer hush"
    assert set(headers) == message.OURS | {"Authorization"}
    assert "forged" not in headers.values()


def test_all_keys_of_a_rotation_sign_until_their_time_is_over(made):
    now = timezone.now()
    new = actions.rotate_secret(made, overlap_hours=1)
    for later, secrets in ((0, [new.secret, made.secret]), (3601, [new.secret])):
        moment = now + timedelta(seconds=later)
        assert written(made, now=moment)["webhook-signature"] == signing.sign(
            "0199-a", int(moment.timestamp()), BODY, secrets
        )


def test_the_official_library_verifies_with_either_secret_of_a_rotation(made):
    new = actions.rotate_secret(made)
    headers = written(made, now=timezone.now())
    for secret in (made.secret, new.secret):
        assert standardwebhooks.Webhook(secret).verify(BODY, headers)


def test_a_pair_of_keys_signs_what_its_public_half_verifies(endpoint, alice):
    made = endpoint(alice, signature="v1a")
    headers = written(made)
    assert headers["webhook-signature"].startswith("v1a,")
    assert signing.verify(headers, BODY, [signing.public_key(made.private_key)], now=NOW.timestamp())


def test_a_letterhead_is_made_once_and_anew_after_each_change(made):
    def letterhead():
        return message.letterhead(Endpoint.objects.get())

    first = letterhead()
    assert letterhead() is first
    changes = [
        lambda: actions.rotate_secret(made),
        lambda: actions.change_endpoint(made, headers={"X": "1"}),
        lambda: actions.change_endpoint(made, content_type="application/json"),
        lambda: actions.change_endpoint(made, signature="v1a"),
        lambda: RetiredSecret.objects.all().delete(),
    ]
    seen = [first]
    for change in changes:
        change()
        assert not any(letterhead() is each for each in seen)
        seen.append(letterhead())


def test_a_letterhead_shows_nothing_secret(endpoint, alice):
    made = endpoint(alice, headers={"Authorization": "Bearer hush"})
    assert "hush" not in repr(message.letterhead(made))


def test_a_present_key_that_is_lost_signs_nothing_and_an_old_one_that_is_lost_is_left_out(made):
    actions.rotate_secret(made)
    alien = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    RetiredSecret.objects.update(encrypted=alien)
    assert len(written(made)["webhook-signature"].split()) == 1
    Endpoint.objects.update(encrypted_secret=alien)
    with pytest.raises(InvalidToken):
        written(made)


def test_what_is_stored_of_a_try_hides_the_subscribers_own_values(endpoint, alice):
    headers = written(endpoint(alice, headers={"Authorization": "Bearer hush", "X-Team": "red"}))
    stored = message.stored_headers(headers)
    assert list(stored) == list(headers)
    assert (stored["Authorization"], stored["X-Team"]) == ("***", "***")
    assert {name: stored[name] for name in message.OURS} == {name: headers[name] for name in message.OURS}


def test_the_base_string_is_what_was_signed(made):
    headers = message.stored_headers(written(made))
    text = message.base_string(headers, BODY)
    assert (
        f"v1,{signing._base64(signing.hmac.digest(signing._symmetric(made.secret), text.encode(), 'sha256'))}"
        == (headers["webhook-signature"])
    )


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize(
    "body",
    [BODY, b"@/etc/passwd", b"it's\n'quoted'\n\n", '\\n 100% "$HOME" `id` é\U0001f514'.encode(), b"x'" * 150_000],
    ids=["json", "at", "newlines", "shell", "large"],
)
async def test_the_command_sends_the_same_request_when_it_is_pasted(receiver, shell, body):
    headers = {"content-type": "application/json", "X-Odd": 'it\'s "so" $HOME \\ `id`', "webhook-id": "1"}
    command = message.as_curl(f"{receiver.url}/hook?a=[1-3]&b={{x,y}}&c='d'", headers, body)
    run = [shell, "-s"] if len(body) > 100_000 else [shell, "-c", command]
    await asyncio.to_thread(subprocess.run, run, input=command.encode(), check=True, capture_output=True, timeout=30)
    [got] = receiver.got
    assert got["body"] == body
    assert (
        headers.items() <= {name if name == "X-Odd" else name.lower(): v for name, v in got["headers"].items()}.items()
    )
