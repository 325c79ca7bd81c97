import base64
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifications import sender
from notifications.channels import keys
from notifications.models import Dispatch, PushSubscription


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """A browser's keys, by which it reads what was encrypted for it."""

    def __init__(self):
        self.key, self.secret = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.keys = {"p256dh": base64url(point), "auth": base64url(self.secret)}

    def read(self, body):
        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"))


@pytest.fixture
def service(settings):
    """A push service that keeps what it gets and answers as it is told."""
    got, answers = [], {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(answers.get(self.path, 201))
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.origin, server.got, server.answers = f"http://127.0.0.1:{server.server_port}", got, answers
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    settings.TIDEWIRE_WEB_PUSH_PRIVATE_KEY = base64url(number.to_bytes(32, "big"))
    settings.TIDEWIRE_WEB_PUSH_HOSTS = [server.origin, "push.example"]
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def subscribe(service):
    def make(user, path="/a"):
        browser = Browser()
        PushSubscription.objects.create(user=user, endpoint=service.origin + path, **browser.keys)
        return browser

    return make


def test_a_browser_gets_what_only_it_can_read(service, subscribe, alice, bob, notify):
    browser = subscribe(alice)
    row = notify(alice, bob, kind="comment", subject="9")
    assert sender.run("web_push") == 1
    [(path, headers, body)] = service.got
    told = {"body": "bob commented on your entry", "url": "/entries/9/", "tag": f"notification-{row.pk}"}
    assert path == "/a" and browser.read(body) == told and b"bob" not in body
    assert headers["authorization"].lower().startswith("vapid ") and headers["ttl"] == "86400"


def test_several_are_one_message(service, subscribe, alice, bob, notify):
    browser = subscribe(alice)
    for _ in range(3):
        notify(alice, bob, kind="comment")
    sender.run("web_push")
    assert [browser.read(body)["body"] for _, _, body in service.got] == ["3 new notifications"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(service, subscribe, alice, bob, notify, status):
    subscribe(alice)
    service.answers["/a"] = status
    notify(alice, bob, kind="comment")
    sender.run("web_push")
    assert not PushSubscription.objects.exists() and Dispatch.objects.get().due_at is None


@pytest.mark.parametrize("status", [302, 429, 500])
def test_what_one_browser_took_is_not_sent_to_it_again_when_another_fails(
    service, subscribe, alice, bob, notify, status
):
    subscribe(alice, "/a")
    subscribe(alice, "/b")
    service.answers["/a"] = status
    notify(alice, bob, kind="comment")
    sender.run("web_push")
    assert Dispatch.objects.get().attempts == 1
    del service.answers["/a"]
    Dispatch.objects.update(due_at="2001-01-01T00:00:00Z")
    sender.run("web_push")
    assert sorted(path for path, _, _ in service.got) == ["/a", "/a", "/b"]
    assert PushSubscription.objects.count() == 2


def test_an_address_that_may_no_longer_be_called_is_not(service, subscribe, settings, alice, bob, notify):
    subscribe(alice)
    notify(alice, bob, kind="comment")
    settings.TIDEWIRE_WEB_PUSH_HOSTS = ["push.example"]
    sender.run("web_push")
    assert service.got == [] and not PushSubscription.objects.exists()


URL = "/api/v1/notifications/"


def test_a_browser_subscribes_and_leaves_by_rest(service, api, alice, mallory):
    client, wanted = api(alice), {"endpoint": "https://push.example/x", "keys": Browser().keys}
    made = client.post(f"{URL}browsers/", wanted | {"expirationTime": None})
    assert made.status_code == 201 and set(made.json()) == {"id", "endpoint", "created_at"}
    assert client.post(f"{URL}browsers/", wanted).json()["id"] == made.json()["id"]
    assert [each["id"] for each in client.get(f"{URL}browsers/").json()["results"]] == [made.json()["id"]]
    path = f"{URL}browsers/{made.json()['id']}/"
    assert api(mallory).delete(path).status_code == 404
    assert client.delete(path).status_code == 204 and not PushSubscription.objects.exists()


def test_a_browser_shows_the_messages_of_who_used_it_last(service, api, alice, bob):
    wanted = {"endpoint": "https://push.example/x", "keys": Browser().keys}
    for user in (alice, bob):
        assert api(user).post(f"{URL}browsers/", wanted).status_code == 201
    assert PushSubscription.objects.get().user == bob


def test_only_so_many_browsers_are_kept_the_latest(service, settings, api, alice):
    settings.TIDEWIRE_USER_MAX_BROWSERS = 2
    for name in "abc":
        wanted = {"endpoint": f"https://push.example/{name}", "keys": Browser().keys}
        api(alice).post(f"{URL}browsers/", wanted)
    assert [row.endpoint[-1] for row in PushSubscription.objects.order_by("pk")] == ["b", "c"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://169.254.169.254/latest",
        "https://localhost/",
        "http://push.example/x",
        "https://push.example:8443/x",
        "https://push.example@evil.example/x",
        "https://user:pass@push.example/x",
        "https://push.example.evil.example/x",
        "https://evilpush.example/x",
        "https://push.example\\@evil.example/x",
        "https://push.example:99999/x",
        "file:///etc/passwd",
        "https://[::1]/",
        "",
        "https://push.example/" + "x" * 500,
    ],
)
def test_only_known_push_services_are_ever_called(service, api, alice, endpoint):
    response = api(alice).post(f"{URL}browsers/", {"endpoint": endpoint, "keys": Browser().keys})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "endpoint")


@pytest.mark.parametrize(
    ("name", "value"),
    [("p256dh", "AAAA"), ("p256dh", "!!"), ("auth", "AAAA"), ("auth", ""), ("p256dh", None)],
)
def test_keys_that_are_none_are_400(service, api, alice, name, value):
    wanted = {"endpoint": "https://push.example/x", "keys": Browser().keys | {name: value}}
    response = api(alice).post(f"{URL}browsers/", wanted)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, f"keys.{name}")


def test_the_public_key_is_told_or_that_there_is_none(service, settings, api, alice):
    told = api(alice).get(f"{URL}web-push-key/").json()["public_key"]
    assert told == keys.public(settings.TIDEWIRE_WEB_PUSH_PRIVATE_KEY) and len(told) == 87
    settings.TIDEWIRE_WEB_PUSH_PRIVATE_KEY = ""
    assert api(alice).get(f"{URL}web-push-key/").json() == {"public_key": None}
