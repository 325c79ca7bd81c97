import asyncio
import datetime
import ipaddress
import json
import ssl
import threading
from contextlib import contextmanager

import psycopg
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from events import relay, subscribers
from events.actions import record
from events.catalogue import event_type
from events.models import Event
from events.payloads import fields, text
from webhooks import actions
from webhooks.claims import Claims
from webhooks.fanout import fan_out
from webhooks.models import Delivery
from webhooks.outcomes import Outcome
from webhooks.shares import ALL
from webhooks.transport import Response

RANG = event_type("tests.bell.rang", "A bell rang.", fields(sound=text(100)))


class Receiver:
    """A subscriber's server in a thread of its own: keeps what it got, and answers each path as it is told.

    An answer is a status, a status with headers, or an async function that is asked for one and may first `wait` for
    something to be true.
    """

    def __init__(self):
        self.got, self.answers, self.now = [], {}, 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.runner, self.url = self._call(self._serve())

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _serve(self):
        self.news = asyncio.Condition()
        application = web.Application()
        application.router.add_post("/{path:.*}", self._take)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _take(self, request):
        async with self.news:
            self.got.append({"path": request.path, "headers": dict(request.headers), "body": await request.read()})
            self.now += 1
            self.news.notify_all()
        try:
            answer = self.answers.get(request.path, 204)
            answer = await answer() if callable(answer) else answer
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            return web.Response(status=status, headers=headers)
        finally:
            self.now -= 1

    async def wait(self, is_so):
        """Wait until something is true of what has come."""
        async with self.news, asyncio.timeout(10):
            await self.news.wait_for(is_so)

    def paths(self):
        return [got["path"] for got in self.got]

    def sounds(self):
        return [json.loads(got["body"])["data"]["sound"] for got in self.got]

    async def _close(self):
        await self.runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def stop(self):
        self._call(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def ring(feed):
    """Let bells ring on alice's public feed, or another topic; return the events."""

    def make(*sounds, topic=f"feeds.{feed.pk}"):
        with transaction.atomic():
            for sound in sounds:
                record(RANG, topic=topic, subject="bells/1", data={"sound": sound})
        relay.run()
        return list(Event.objects.filter(type=RANG.name).order_by("position"))[-len(sounds) :]

    return make


@pytest.fixture
def endpoint():
    """Make an endpoint of somebody's."""

    def make(owner, url="https://example.com/hook", **fields):
        return actions.create_endpoint(owner, url=url, **fields)

    return make


@pytest.fixture
def deliver(ring):
    """Let bells ring and fan them out; return the deliveries."""

    def make(*sounds, **options):
        events = ring(*sounds, **options)
        fan_out(events)
        return list(Delivery.objects.filter(position__gte=events[0].position).order_by("pk"))

    return make


@pytest.fixture
def take(ring):
    """Let bells ring, and let the subscriber make the deliveries; return the events."""

    def make(*sounds, **options):
        events = ring(*sounds, **options)
        subscribers.run("webhooks")
        return events

    return make


@pytest.fixture
def sounds():
    """Return what the events, or the deliveries in their order, are of."""

    def make(found):
        positions = [each.position for each in found]
        events = Event.objects.in_bulk(positions)
        return "".join(events[position].data["sound"] for position in positions)

    return make


@pytest.fixture
def claim():
    """Claim what is due, as one sender does; return the tries to be made."""
    return lambda limit=100, *lanes, parts=ALL: Claims().take(limit, parts, lanes).jobs


def make_due(**which):
    """Let deliveries be due now, by the database's clock."""
    Delivery.objects.filter(**which).update(next_attempt_at=Now())


def answered(job, status=None, error="", **headers):
    """Return how a try went that was answered so."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = Response(status, named, error=error, duration_ms=7)
    return Outcome(job, timezone.now(), {"webhook-id": str(job.event_id)}, response)


def settled(delivery):
    """Return what became of a delivery."""
    delivery.refresh_from_db()
    return delivery.status, delivery.attempts, delivery.last_status_code


@pytest.fixture
def other_connection(db):
    """Open a second connection to the test's database."""

    @contextmanager
    def make():
        known = connection.get_connection_params()
        place = {key: known[key] for key in ("dbname", "user", "password", "host", "port") if key in known}
        with psycopg.connect(**place) as other:
            yield other

    return make


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "endpoint")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "endpoint.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
