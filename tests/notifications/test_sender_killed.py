"""A sender that is killed while the mail server has its message in hand: a real process, a real kill, a real server."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from email import message_from_bytes

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from psycopg.conninfo import make_conninfo

from config.environment import BASE_DIR
from notifications.models import Decision, Dispatch, Pending

SEND = (
    "import django; from config import environment; django.setup(); "
    "from notifications import sender; sender.run('email')"
)


class Slow:
    """A mail server that takes the first message and never says so."""

    def __init__(self):
        self.messages, self.has_first = [], threading.Event()

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(message_from_bytes(envelope.content))
        if len(self.messages) == 1:
            self.has_first.set()
            await asyncio.sleep(60)
        return "250 OK"


@pytest.fixture
def slow():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Slow(), hostname="127.0.0.1", port=port, ready_timeout=30)
    controller.start()
    yield controller
    controller.stop()


def environment(port):
    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    database = make_conninfo(**{name: given[name] for name in names if given.get(name)})
    mail = {"TIDEWIRE_EMAIL_HOST": "127.0.0.1", "TIDEWIRE_EMAIL_PORT": str(port), "TIDEWIRE_EMAIL_TLS": "0"}
    return os.environ | mail | {"DATABASE_URL": database, "TIDEWIRE_EMAIL_TIMEOUT_SECONDS": "60"}


@pytest.mark.django_db(transaction=True)
def test_a_killed_sender_loses_nothing_and_its_message_comes_again_as_the_same(alice, bob, notify, slow, settings):
    settings.TIDEWIRE_EMAIL_HOST, settings.TIDEWIRE_EMAIL_DELAY_SECONDS = "127.0.0.1", 0
    alice.email = "alice@example.com"
    alice.save()
    notify(alice, bob, kind="comment")
    command, env = [sys.executable, "-c", SEND], environment(slow.port)
    first = subprocess.Popen(command, cwd=BASE_DIR, env=env)
    assert slow.handler.has_first.wait(60)
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    assert Pending.objects.count() == 1 and not Decision.objects.filter(channel="email", outcome="sent").exists()
    # The lease ends.
    Dispatch.objects.update(lease_until="2001-01-01T00:00:00Z")
    subprocess.run(command, cwd=BASE_DIR, env=env, check=True, timeout=60)
    assert len({message["Message-ID"] for message in slow.handler.messages}) == 1 and len(slow.handler.messages) == 2
    assert Decision.objects.filter(channel="email", outcome="sent").count() == 1
    assert Dispatch.objects.get().due_at is None
