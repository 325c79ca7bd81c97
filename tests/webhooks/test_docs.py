"""The examples of docs/webhooks.md, taken out of it and run."""

import http.client
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.core.management import load_command_class

from access import keys
from events import log
from events.models import Event
from webhooks import actions, message, signing

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.M | re.S)
COMMANDS = [code for language, code in BLOCKS if language == "sh"]
LISTENS = re.findall(r"`(webhook_listen [^`]+)`", TEXT) + re.findall(r"manage\.py (webhook_listen .*)", TEXT)


def example(name):
    """Return the one example that names itself so in its first line."""
    [code] = [code for _, code in BLOCKS if code.startswith((f"# {name}", f"// {name}"))]
    return code


@contextmanager
def receiving(command, **environment):
    """Run a receiver, and yield the process and its port once it listens."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = os.environ | environment | {"PORT": str(port)}
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
    try:
        while True:
            assert process.poll() is None
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
        yield process, port
    finally:
        process.kill()
        process.communicate()


def post(port, body, headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as opened:
        opened.request("POST", "/hook", body, headers)
        return opened.getresponse().status


def check(process, port, made, key, webhook_receiver, publish):
    """Send the receiver a real message, then ones that nobody signed, or long ago."""
    made.url = f"http://127.0.0.1:{port}/hook"
    made.save()
    entry = publish("Hello")
    webhook_receiver.deliver()
    assert made.deliveries.get().last_status_code == 204
    event = json.loads(message.body_of(Event.objects.get(type="feeds.entry.published"), log.head().epoch))
    assert process.stdout.readline().split() == [event["type"], event["cursor"]]
    body, now = json.dumps({"type": "x", "id": "1", "cursor": "y", "entry": entry.pk}).encode(), int(time.time())
    for signer, at in ((signing.new_secret(), now), (key, now - 400)):
        headers = {"webhook-id": "1", "webhook-timestamp": str(at)}
        assert post(port, body, headers | {"webhook-signature": signing.sign("1", at, body, [signer])}) == 400
    assert post(port, body, {}) == 400


@pytest.mark.django_db(transaction=True)
def test_the_receiver_in_python_takes_what_is_sent_and_nothing_else(tmp_path, webhook_receiver, alice, publish):
    (tmp_path / "receive.py").write_text(example("receive.py"))
    made = webhook_receiver.endpoint(alice, event_types=["feeds.entry.published"])
    with receiving([sys.executable, str(tmp_path / "receive.py")], WEBHOOK_SECRET=made.secret) as (process, port):
        check(process, port, made, made.secret, webhook_receiver, publish)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("program", "name"), [(sys.executable, "receive_v1a.py"), ("node", "receive_v1a.mjs")])
def test_the_receivers_of_v1a_take_what_is_sent_and_nothing_else(
    tmp_path, live_server, webhook_receiver, alice, publish, program, name
):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not here.")
    (tmp_path / name).write_text(example(name))
    made = webhook_receiver.endpoint(alice, event_types=["feeds.entry.published"], signature="v1a")
    jwks = f"{live_server.url}/.well-known/tidewire/webhooks/{made.pk}/jwks.json"
    with receiving([program, str(tmp_path / name)], WEBHOOK_JWKS=jwks) as (process, port):
        check(process, port, made, made.private_key, webhook_receiver, publish)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split("/api/v1/")[-1].split("?")[0].strip())
def test_each_command_is_answered(tmp_path, live_server, webhook_receiver, alice, publish, command):
    made = actions.create_endpoint(alice, url=webhook_receiver.url)
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
    known = {
        "SERVER": live_server.url,
        "KEY": keys.mint(alice),
        "RECEIVER": webhook_receiver.url,
        "ENDPOINT": str(made.pk),
        "TOPIC": f"feeds.{publish('Hello').feed_id}",
        "CURSOR": str(log.head().cursor),
        "HOME": str(tmp_path),
    }
    shell = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(shell, env=os.environ | known, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", re.findall(r"def (test_\w+)", example("test_shop.py")))
def test_the_tests_of_the_documentation_pass(webhook_receiver, alice, publish, name):
    names = {}
    exec(example("test_shop.py"), names)
    names[name](webhook_receiver, alice, publish)


@pytest.mark.parametrize("line", LISTENS)
def test_each_call_of_the_local_receiver_is_understood(line):
    command, *arguments = shlex.split(line)
    load_command_class("webhooks", command).create_parser("manage.py", command).parse_args(arguments)
