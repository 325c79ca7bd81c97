"""Somebody reads in a real browser while others write by the API; one browser for all tests of a module."""

import json
import time
import uuid
from contextlib import contextmanager, suppress

from playwright.sync_api import expect

from tests.journeys import conftest
from tests.journeys.browsing import BROKEN, SECONDS, live


class Writer:
    """Somebody who writes by the API."""

    def __init__(self, request, key):
        self.request, self.headers = request, {"Authorization": f"Bearer {key}"}

    def call(self, method, path, **body):
        options = {"data": body} if body or method == "POST" else {}
        answer = self.request.fetch(f"/api/v1/{path}", method=method, headers=self.headers, **options)
        assert answer.ok, answer.text()
        return answer.json() if answer.body() else None

    def feed(self, slug):
        return self.call("GET", f"feeds/?slug={slug}")["results"][0]

    def publish(self, text, feed="alice", **more):
        return self.call("POST", f"feeds/{self.feed(feed)['id']}/entries/", text=text, **more)


class Sea:
    """A browser in which people are signed in, and the API beside it."""

    def __init__(self, stack, playwright, browser):
        self.stack, self.browser, self.contexts, self.complaints = stack, browser, {}, []
        self.request = playwright.request.new_context(base_url=stack.url)

    def writer(self, name="alice"):
        keys, key = conftest._keys, (self.stack.url, name)
        if key not in keys:
            keys[key] = conftest.manage(self.stack, "apikey", "create", "--user", name)
        return Writer(self.request, keys[key])

    def context(self, name):
        """Return the one place where somebody is signed in, so that their tabs share what tabs share."""
        if name not in self.contexts:
            context = self.browser.new_context(base_url=self.stack.url)
            context.set_default_timeout(SECONDS)
            self.contexts[name] = context
            if name:
                sign_in(context, name)
        return self.contexts[name]

    @contextmanager
    def page(self, name="carol", path="/", script="", is_live=True, context=None, **size):
        """Open a page in a tab of its own; what the console complains of fails the module."""
        page = (context or self.context(name)).new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._complain(message) if message.type == "error" else None)
        page.set_viewport_size({"width": 1280, "height": 720} | size)
        if script:
            page.add_init_script(script)
        page.goto(self.stack.url + path)
        if is_live:
            live(page)
        yield page
        page.close()

    @contextmanager
    def apart(self, name, path="/", is_live=True, **options):
        """Open a page in a browser of somebody's own: another device."""
        context = self.browser.new_context(base_url=self.stack.url, **options)
        context.set_default_timeout(SECONDS)
        if name:
            sign_in(context, name)
        with self.page(context=context, path=path, is_live=is_live) as page:
            yield page
        context.close()

    def _complain(self, message):
        if not any(words in message.text for words in BROKEN):
            self.complaints.append(message.text)

    @contextmanager
    def complaining(self, *words):
        """Let the console complain of what a test breaks on purpose."""
        yield
        for text in [text for text in self.complaints if any(each in text for each in words)]:
            self.complaints.remove(text)


def sign_in(context, name):
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("tidewire")
    page.locator("main button").click()
    expect(page.locator("body")).to_have_attribute("data-user", name)
    page.close()


def name(prefix="Told"):
    """Return words that no other test says."""
    return f"{prefix} {uuid.uuid4().hex[:10]}"


def until(page, expression):
    """Return once an expression is true; the page's policy lets nothing evaluate one within it."""
    deadline = time.monotonic() + SECONDS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)


def card(page, text):
    """Return the card with this text."""
    return page.locator("article.entry").filter(has=page.locator(".entry-text", has_text=text))


def texts(page, prefix):
    """Return what of the list begins so, as it stands there."""
    found = page.locator("[data-list] .entry-text").all_inner_texts()
    return [text for text in found if text.startswith(prefix)]


class Scripted:
    """A server that a test plays: it takes the page's subscription and tells it what the test says."""

    def __init__(self):
        self.route = self.subscription = self.head = None

    def take(self, route):
        self.route = route
        route.on_message(self.hear)
        self.send({"type": "welcome", "connection": "c", "heartbeat_seconds": 25})

    def hear(self, message):
        frame = json.loads(message)
        if frame["type"] == "subscribe":
            self.subscription = frame["id"]
            cursor, head = frame["after"], self.head or frame["after"]
            self.send({"type": "subscribed", "id": frame["id"], "topics": [], "cursor": cursor, "head": head})

    def send(self, frame):
        with suppress(Exception):
            self.route.send(json.dumps(frame))

    def tell(self, **frame):
        """Say something to the page's subscription."""
        self.send({"id": self.subscription} | frame)

    def events(self, *events):
        self.tell(type="events", events=list(events), cursor=f"test-{uuid.uuid4().hex}")


@contextmanager
def scripted(sea, who="carol", path="/", is_timed=True, **size):
    """Open a page whose server, and unless it keeps its own also whose time, the test plays."""
    server = Scripted()
    context = sea.browser.new_context(base_url=sea.stack.url)
    context.set_default_timeout(SECONDS)
    if who:
        sign_in(context, who)
    if is_timed:
        context.clock.install()
    context.route_web_socket("**/live/ws*", server.take)
    with sea.page(context=context, path=path, **size) as page:
        yield page, server
    context.close()


def entry(number, text="", **more):
    """Return an event of a new entry by somebody."""
    told = {
        "id": 10**9 + number,
        "feed": 1,
        "author": {"id": 2, "username": "alice"},
        "kind": "post",
        "text": text or f"Storm {number}",
        "visibility": "public",
        "mentions": [],
        "created_at": "2026-11-23T10:00:00Z",
        "edited_at": None,
        "like_count": 0,
        "comment_count": 0,
        "version": 1,
    }
    return {
        "id": str(uuid.uuid4()),
        "type": "feeds.entry.published",
        "topic": "feeds.1",
        "data": {"entry": told | more},
    }
