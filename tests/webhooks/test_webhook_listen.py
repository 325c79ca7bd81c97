"""The command `manage.py webhook_listen`, as a process of its own, and what it refuses to begin with."""

import http.client
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from events import relay, subscribers
from webhooks import sender, signing
from webhooks.catcher import Answer, Catcher
from webhooks.models import Endpoint

CHECKOUT = Path(__file__).resolve().parents[2]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type": "feeds.entry.published", "id": "1", "topic": "feeds.1", "data": {"entry": {"text": "Grüße"}}}'.encode()


class Listening:
    """A running command: what it has said, and requests to it."""

    def __init__(self, process):
        self.process, self.said = process, ""
        self.url = self.until("Ctrl-C ends it.").split("Listening at ")[1].split()[0]

    def until(self, words):
        """Return all that was said up to these words, reading on as long as it takes."""
        place = len(self.said)
        while words not in self.said[place:]:
            assert select.select([self.process.stdout], [], [], 30)[0], self.said
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, self.said
            self.said += more.decode()
        return self.said[place:]

    def post(self, body=BODY, **headers):
        place = urlsplit(self.url)
        with closing(http.client.HTTPConnection(place.hostname, place.port, timeout=20)) as opened:
            opened.request("POST", place.path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = opened.getresponse()
            return answer.status, answer.read()

    def send(self, body=BODY, secret=SECRET, message_id="1", attempt="1"):
        """Send an event as the server does."""
        now = int(time.time())
        signature = signing.sign(message_id, now, body, [secret])
        names = {"webhook_id": message_id, "webhook_timestamp": str(now), "webhook_signature": signature}
        return self.post(body, tidewire_attempt=attempt, **names)


@contextmanager
def listening(*arguments, **environment):
    command = [sys.executable, "manage.py", "webhook_listen", *arguments]
    variables = os.environ | {"TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE": "1"} | environment
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, cwd=CHECKOUT, env=variables, **pipes)
    try:
        yield Listening(process)
    finally:
        process.kill()
        process.communicate()


def test_what_comes_is_shown_with_whether_it_is_trusted_and_a_signal_ends_it():
    with listening("--secret", SECRET, "--secret", signing.new_secret()) as command:
        assert command.send() == (204, b"")
        shown = command.until("answered 204")
        for words in ("feeds.entry.published  attempt 1  verified", "feeds.1", '"text": "Grüße"'):
            assert words in shown
        command.send(secret=signing.new_secret())
        assert "NOT VERIFIED: No signature matches." in command.until("answered 204")
        command.post()
        assert "NOT VERIFIED: The header webhook-id is missing." in command.until("answered 204")
        command.post(b"\x1b[2Jnot \x00 JSON\xff")
        assert "�[2Jnot � JSON�" in command.until("answered 204")
        # What is refused is not read, so nothing of it is sent.
        assert command.post(b"", content_length="1100000")[0] == 413
        command.process.send_signal(signal.SIGINT)
        assert command.process.wait(20) == 0


def test_tries_can_be_made_to_fail_and_what_succeeds_is_passed_on():
    got = []
    application = Catcher(lambda request: got.append(request) or Answer(202, {"X-App": "1"}, b"taken"))
    with (
        closing(application),
        listening("--fail", "503", "--times", "2", "--forward", application.url + "hook?a=b") as command,
    ):
        assert [command.send(attempt=str(number))[0] for number in (1, 2)] == [503, 503]
        assert command.send(attempt="3") == (202, b"taken")
        assert command.send(message_id="2")[0] == 503
        assert "not verified: no secret was given" in command.until("answered 202")
        [request] = got
        assert (request.path, request.body, request.header("webhook-id")) == ("/hook?a=b", BODY, "1")
        assert request.header("tidewire-attempt") == "3"
        application.close()
        assert [command.send(message_id="2")[0] for _ in range(2)] == [503, 502]
        assert "answered 502" in command.until("answered 502")
        command.process.terminate()
        assert command.process.wait(20) == 0


@pytest.mark.django_db(transaction=True)
def test_with_a_user_it_makes_an_endpoint_for_itself_and_removes_it_at_the_end(alice, publish):
    known = connection.get_connection_params()
    database = os.environ["DATABASE_URL"]
    place = urlsplit(database)._replace(path=f"/{known['dbname']}").geturl()
    with listening("--user", "alice", "--type", "feeds.entry.*", DATABASE_URL=place) as command:
        assert "Endpoint" in command.said
        endpoint = Endpoint.objects.get()
        assert (endpoint.url, endpoint.owner, endpoint.event_types) == (command.url, alice, ["feeds.entry.*"])
        publish("Hello")
        while relay.run():
            for name in subscribers.names():
                subscribers.run(name)
        sender.run()
        assert "feeds.entry.published  attempt 1  verified" in command.until("answered 204")
        command.process.terminate()
        command.until(f"Endpoint {endpoint.pk} is removed.")
        assert command.process.wait(20) == 0
    assert not Endpoint.objects.exists()


def refused(*arguments):
    with pytest.raises(CommandError) as caught:
        call_command("webhook_listen", *arguments)
    return str(caught.value)


def test_a_taken_port_is_named():
    with closing(Catcher(lambda request: Answer())) as other:
        port = urlsplit(other.url).port
        assert refused("--port", str(port)) == f"Port {port} is taken; leave --port out for a free one."


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "65536"], "--port is a number from 0 to 65535."),
        (["--port", "-1"], "--port is a number from 0 to 65535."),
        (["--status", "99"], "99 is not a status"),
        (["--status", "101"], "101 is not a status"),
        (["--fail", "600"], "600 is not a status"),
        (["--times", "0"], "--times is at least 1."),
        (["--secret", "hush"], "--secret is not of use."),
        (["--secret", "whpk_AAAA"], "--secret is not of use."),
        (["--user", "alice", "--secret", SECRET], "leave --secret out"),
        (["--type", "*"], "--type and --topic choose events for --user."),
        (["--forward", "localhost:9000"], "--forward: The URL must be complete"),
        (["--forward", "http://169.254.169.254/"], "--forward: 169.254.169.254 is a cloud's metadata address"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(arguments, reason):
    assert reason in refused(*arguments)


def test_an_unknown_user_and_a_bad_pattern_are_named(db, alice):
    assert refused("--user", "nobody") == "There is no active user 'nobody'."
    assert "is not a type" in refused("--user", "alice", "--type", "feeds.*.x")
    assert not Endpoint.objects.exists()


def test_a_server_that_sends_nothing_to_this_machine_is_named(alice, settings):
    settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE = False
    assert "127.0.0.1 is a loopback address" in refused("--user", "alice")


def test_a_server_that_does_not_run_is_named():
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"postgresql://x@127.0.0.1:{unused.getsockname()[1]}/x"
        command = [sys.executable, "manage.py", "webhook_listen", "--user", "alice"]
        variables = os.environ | {"DATABASE_URL": nowhere, "TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE": "1"}
        done = subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "The database does not answer: is script/server running?" in done.stderr
    assert "Traceback" not in done.stderr
