"""A whole Tidewire, really running: web, worker, beat and engines as processes; tests speak to it as users do.

PostgreSQL is the one of the test run when that was given from outside, so that journeys go through it too.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import uuid
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
import psycopg
import pytest
from aiohttp import web
from playwright.sync_api import sync_playwright
from websockets.asyncio.client import connect
from yarl import URL

from script.development.rooms import CHECKOUT
from script.development.stack import Stack

SECONDS = 20
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def outside_database():
    """Yield the URL of a new database on the server that the test run was given, or None if it has its own."""
    if not os.environ.get("TIDEWIRE_TEST_DATABASE_IS_GIVEN"):
        yield None
        return
    given, name = os.environ["DATABASE_URL"], f"journeys_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(given)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The running server with its demo; session-wide, so a test that breaks a part waits until it is back."""
    with outside_database() as url:
        environment = {"TIDEWIRE_VALIDATE_PAYLOADS": "1"} | ({"DATABASE_URL": url} if url else {})
        room = tmp_path_factory.mktemp("stack")
        stack = Stack(room, environment=environment, throwaway=True)
        stack.start()
        try:
            stack.wait_ready(90)
            yield stack
        finally:
            stack.stop()


async def answering(stack, seconds=60):
    """Return once the server says that it is ready."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(seconds):
        while True:
            try:
                async with http.get(f"{stack.url}/readyz", timeout=aiohttp.ClientTimeout(total=5)) as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.05)


@pytest.fixture
def own_postgres(stack):
    """Skip when PostgreSQL is somebody else's: it cannot be killed."""
    if os.environ.get("TIDEWIRE_TEST_DATABASE_IS_GIVEN"):
        pytest.skip("PostgreSQL was given by DATABASE_URL; it is not ours to kill.")
    return stack


def manage(stack, *arguments):
    """Run a management command beside the server and return what it printed."""
    command = [sys.executable, "manage.py", *arguments]
    environment = os.environ | stack.environment
    pipes = {"capture_output": True, "text": True, "timeout": 60, "check": True}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, **pipes).stdout.strip()


@pytest.fixture(scope="session")
def database(stack):
    """A connection to the server's database, for looking and for being unkind."""
    return lambda: psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True)


_keys = {}


@dataclass
class Person:
    """Somebody who uses the server by a key."""

    name: str
    key: str
    url: str
    http: aiohttp.ClientSession = field(repr=False)

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.key}"}

    async def call(self, method, path, status=None, **json_body):
        """Call the API and return the answer's JSON."""
        body = {"json": json_body} if json_body else {}
        async with self.http.request(method, f"{self.url}/api/v1/{path}", headers=self.headers, **body) as response:
            answer = await response.json() if response.content_length else None
            assert response.status == status if status else response.status < 400, answer
            return answer

    async def feed(self, slug=None):
        found = await self.call("GET", f"feeds/?slug={slug or self.name}")
        return found["results"][0]

    async def publish(self, text):
        """Publish an entry in one's own feed."""
        feed = await self.feed()
        return await self.call("POST", f"feeds/{feed['id']}/entries/", 201, text=text)

    def live(self):
        """Open a live socket."""
        return live(self.url, self.headers)


class Live:
    """A live socket as a client sees it."""

    def __init__(self, socket):
        self.socket = socket
        self.cursor = None

    async def frame(self, type=None, seconds=SECONDS):
        """Return the next frame, or the next of a type."""
        async with asyncio.timeout(seconds):
            while True:
                frame = json.loads(await self.socket.recv())
                self.cursor = frame.get("cursor", self.cursor)
                if type is None or frame["type"] == type:
                    return frame

    async def send(self, **frame):
        await self.socket.send(json.dumps(frame))

    async def subscribe(self, *topics, id=1, **more):
        await self.send(type="subscribe", id=id, topics=list(topics), **more)
        return await self.frame("subscribed")

    async def events(self, *types, count=1, seconds=SECONDS):
        """Return the next events, of these types if given."""
        found = []
        while len(found) < count:
            frame = await self.frame("events", seconds)
            found += [event for event in frame["events"] if not types or event["type"] in types]
        assert len(found) == count, found
        return found


@asynccontextmanager
async def live(url, headers=None):
    address = urlsplit(url)._replace(scheme="ws", path="/live/ws").geturl()
    async with connect(address, additional_headers=headers or {}) as socket:
        client = Live(socket)
        assert (await client.frame())["type"] == "welcome"
        yield client


@pytest.fixture
async def people(stack):
    """The demo's people by name, each with a key."""
    async with aiohttp.ClientSession() as http:

        def person(name):
            if (stack.url, name) not in _keys:
                _keys[stack.url, name] = manage(stack, "apikey", "create", "--user", name)
            return Person(name, _keys[stack.url, name], stack.url, http)

        yield person


class Receiver:
    """A subscriber's server: keeps what it got and answers as it is told; `before` is called at each request."""

    def __init__(self):
        self.got, self.statuses, self.news = [], [], asyncio.Condition()
        self.before = lambda: None

    async def take(self, request):
        self.before()
        status = self.statuses.pop(0) if self.statuses else 204
        async with self.news:
            now = asyncio.get_running_loop().time()
            self.got.append({"headers": dict(request.headers), "body": await request.read(), "at": now})
            self.news.notify_all()
        return web.Response(status=status)

    async def wait(self, count, seconds=SECONDS):
        """Return the requests once there are so many."""
        async with asyncio.timeout(seconds), self.news:
            await self.news.wait_for(lambda: len(self.got) >= count)
        return self.got


@pytest.fixture
async def receiver():
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


class Browser:
    """A browser without JavaScript: cookies and forms."""

    def __init__(self, url, http):
        self.url, self.http = url, http

    async def get(self, path):
        async with self.http.get(self.url + path) as response:
            assert response.status == 200, path
            return await response.text()

    async def post(self, path, fields):
        """Send the form of a page, with its token."""
        await self.get(path)
        fields = fields | {"csrfmiddlewaretoken": self.cookie("csrftoken")}
        async with self.http.post(self.url + path, data=fields) as response:
            assert response.status == 200, await response.text()
            return await response.text()

    def cookie(self, name):
        return self.http.cookie_jar.filter_cookies(URL(self.url))[name].value

    async def sign_in(self, name):
        page = await self.post("/accounts/login/", {"username": name, "password": "tidewire"})
        assert name in page


@pytest.fixture
async def http_session(stack):
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(stack.url, http)


def no_chromium():
    """Fail a check run, and skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail("Chromium is not installed, and a check run must not leave the browser out.")
    pytest.skip("Chromium is not installed, so the journey in a browser is left out (apt-get install chromium).")


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        no_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sea(stack):
    """People who read in one browser, with the back/forward cache that people have, and who write by the API."""
    from tests.journeys import reading

    if CHROMIUM is None:
        no_chromium()
    keeping = {"args": ARGUMENTS, "ignore_default_args": ["--disable-back-forward-cache"]}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, **keeping)
        sea = reading.Sea(stack, playwright, browser)
        yield sea
        browser.close()
        assert sea.complaints == []


@pytest.fixture
def alice(sea):
    """Alice, who writes by the API while others read."""
    return sea.writer("alice")
