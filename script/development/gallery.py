"""Every page in its states, as one table: what pictures are made of, and what is checked for accessibility."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from script.development.rooms import CHECKOUT
from script.development.stack import Stack

PASSWORD = "tidewire"
NOBODY = ""
# The one who has everything, the one who has nothing.
FULL, EMPTY, STAFF = "dora", "erin", "admin"


@dataclass
class Scene:
    """What was made beside a running stack: where it is, and how to let something happen."""

    url: str
    places: dict[str, Any]
    errors: dict[str, str]
    admin: dict[str, str]
    _said: int = field(default=0, repr=False)

    def path(self, pattern: str) -> str:
        """Return an address with its places filled in."""
        return pattern.format(**self.places)

    def publish(self, page: Page) -> str:
        """Let dora publish an entry by the API, from elsewhere; return its text."""
        self._said += 1
        text = f"High water, reading {self._said}."
        api = page.context.request
        headers = {"Authorization": f"Bearer {self.places['key']}"}
        feed = api.get(f"{self.url}/api/v1/feeds/?slug=dora", headers=headers).json()["results"][0]["id"]
        answer = api.post(f"{self.url}/api/v1/feeds/{feed}/entries/", headers=headers, data={"text": text})
        assert answer.status == 201, answer.text()
        return text


Act = Callable[[Page, Scene], None]


@dataclass(frozen=True)
class Shown:
    """A page in one state: who looks at it, and what they do before it is looked at."""

    name: str
    path: str
    who: str = NOBODY
    act: Act | None = None


def submit(page: Page, scene: Scene) -> None:
    """Send the page's form as it stands: it is incomplete."""
    page.locator("main form:has(.button)").evaluate("form => { form.noValidate = true; }")
    page.locator("main form .button").first.click()
    expect(page.locator(".errorlist").first).to_be_visible()


def say_no_moment(page: Page, scene: Scene) -> None:
    """Ask for a replay from no moment on."""
    page.get_by_label("From (UTC)").fill("")
    submit(page, scene)


def refuse(page: Page, scene: Scene) -> None:
    """Sign in with a wrong password."""
    page.get_by_label("Username").fill("dora")
    page.get_by_label("Password").fill("wrong")
    page.locator("main form .button").click()
    expect(page.locator(".errorlist").first).to_be_visible()


def leave_quiet_open(page: Page, scene: Scene) -> None:
    """Say when the quiet hours begin, and not when they end."""
    page.get_by_label("Quiet from").fill("22:00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".errorlist").first).to_be_visible()


def send_test(page: Page, scene: Scene) -> None:
    """Send a test event, and wait until the first attempt appears."""
    page.get_by_role("button", name="Send a test event").click()
    expect(page.locator("#deliveries tr", has_text="webhooks.endpoint.tested").first).to_be_visible()


def preview(page: Page, scene: Scene) -> None:
    """Ask what such an endpoint would have got."""
    page.get_by_label("URL").fill("https://shop.example/hook")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_be_visible()


def arrive(page: Page, scene: Scene) -> None:
    """Let an entry arrive while the page is looked at."""
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    text = scene.publish(page)
    expect(page.get_by_text(text)).to_be_visible()


def open_attempt(page: Page, scene: Scene) -> None:
    """Open all that is folded up."""
    page.locator("main details").evaluate_all("all => all.forEach((one) => { one.open = true; })")


def follow(page: Page, scene: Scene) -> None:
    """Let the console show an event, and open its frame."""
    page.get_by_label("Topics").fill("feeds.{feed_id}".format(**scene.places))
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("#console-state")).to_have_text("Live")
    scene.publish(page)
    page.locator(".frame summary", has_text="feeds.entry.published").first.click()


def refuse_key(page: Page, scene: Scene) -> None:
    """Ask for an application without a name."""
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".errorlist").first).to_be_visible()


def make_key(page: Page, scene: Scene) -> None:
    """Make a key, which is shown once."""
    page.get_by_text("New key").click()
    page.get_by_label("Name", exact=True).fill("Shown")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#new-key")).to_be_visible()


PAGES = [
    Shown("home", "/"),
    Shown("feed", "/feeds/{feed}/"),
    Shown("entry", "/entries/{entry}/"),
    Shown("login", "/accounts/login/"),
    Shown("login-refused", "/accounts/login/", act=refuse),
    Shown("signup", "/accounts/signup/"),
    Shown("signup-refused", "/accounts/signup/", act=submit),
    Shown("home-empty", "/", EMPTY),
    Shown("feed-empty", "/feeds/erin/", EMPTY),
    Shown("inbox-empty", "/notifications/", EMPTY),
    Shown("home-full", "/", FULL),
    Shown("home-arrived", "/", FULL, arrive),
    Shown("feed-own", "/feeds/{feed}/", FULL),
    Shown("entry-own", "/entries/{entry}/", FULL),
    Shown("search", "/search/?q=low", FULL),
    Shown("search-nothing", "/search/?q=whale", FULL),
    Shown("inbox", "/notifications/", FULL),
    Shown("preferences", "/notifications/preferences/", FULL),
    Shown("preferences-refused", "/notifications/preferences/", FULL, leave_quiet_open),
    Shown("webhooks-empty", "/webhooks/", EMPTY),
    Shown("webhooks", "/webhooks/", FULL),
    Shown("endpoint-new", "/webhooks/new/", FULL),
    Shown("endpoint-new-refused", "/webhooks/new/", FULL, submit),
    Shown("endpoint-preview", "/webhooks/new/", FULL, preview),
    Shown("endpoint", "/webhooks/{healthy}/", FULL),
    Shown("endpoint-undelivered", "/webhooks/{healthy}/?status=undelivered", FULL),
    Shown("endpoint-week", "/webhooks/{healthy}/?window=7d", FULL),
    Shown("endpoint-failing", "/webhooks/{failing}/", FULL),
    Shown("endpoint-tested", "/webhooks/{failing}/", FULL, send_test),
    Shown("endpoint-postponed", "/webhooks/{postponed}/", FULL),
    Shown("endpoint-paused", "/webhooks/{paused}/", FULL),
    Shown("endpoint-off", "/webhooks/{off}/", FULL),
    Shown("endpoint-change", "/webhooks/{healthy}/change/", FULL, open_attempt),
    Shown("endpoint-secret", "/webhooks/{healthy}/secret/", FULL),
    Shown("endpoint-replays", "/webhooks/{healthy}/replays/", FULL),
    Shown("endpoint-replays-refused", "/webhooks/{healthy}/replays/", FULL, say_no_moment),
    Shown("delivery", "/webhooks/deliveries/{delivery}/", FULL, open_attempt),
    Shown("delivery-succeeded", "/webhooks/deliveries/{succeeded}/", FULL),
    Shown("developers", "/developers/"),
    Shown("developers-live", "/developers/?language=python", FULL, follow),
    Shown("developers-keys-empty", "/developers/keys/", EMPTY),
    Shown("developers-keys", "/developers/keys/", FULL),
    Shown("developers-keys-made", "/developers/keys/", FULL, make_key),
    Shown("developers-keys-refused", "/developers/keys/", FULL, refuse_key),
    Shown("admin-login", "/admin/login/"),
    Shown("admin", "/admin/", STAFF),
]


def error(status: str) -> Shown:
    """Return the page of an error."""
    return Shown(f"error-{status}", f"/shown/{status}/")


def pages(scene: Scene) -> list[Shown]:
    """Return all: those of the table, the pages of errors, and the admin's lists."""
    return [
        *PAGES,
        *map(error, scene.errors),
        *(Shown(f"admin-{name}", path, STAFF) for name, path in scene.admin.items()),
    ]


def set_scene(stack: Stack) -> Scene:
    """Make what the pages show beside a running stack."""
    command = [sys.executable, "-m", "script.development.scene"]
    variables = {**stack.environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
    made = subprocess.run(command, cwd=CHECKOUT, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    return Scene(stack.url, **json.loads(made.stdout.splitlines()[-1]))


class Visitor:
    """Opens the pages of a scene in a browser, as whoever looks at each."""

    def __init__(self, browser: Browser, scene: Scene, **options: Any) -> None:
        self.scene = scene
        self._browser = browser
        self._options = options
        self._contexts: dict[str, BrowserContext] = {}

    def pages(self, wanted: str = "") -> Iterator[tuple[Shown, Page]]:
        """Yield each page whose name holds the word, with a tab to open it in, which is closed after that."""
        for shown in pages(self.scene):
            if wanted in shown.name:
                page = self.page(shown.who)
                yield shown, page
                page.close()

    def page(self, who: str) -> Page:
        """Return a new tab of somebody's."""
        return self._context(who).new_page()

    def open(self, page: Page, shown: Shown) -> None:
        """Open a page and bring it into its state."""
        page.goto(self.scene.url + self.scene.path(shown.path))
        if shown.act:
            shown.act(page, self.scene)

    def close(self) -> None:
        """Leave."""
        for context in self._contexts.values():
            context.close()

    def _context(self, who: str) -> BrowserContext:
        if who not in self._contexts:
            context = self._contexts[who] = self._browser.new_context(**self._options)
            context.set_default_timeout(15_000)
            for status, html in self.scene.errors.items():
                context.route(f"**/shown/{status}/", self._answer(html))
            if who:
                self._sign_in(context, who)
        return self._contexts[who]

    def _answer(self, html: str) -> Callable[[Any], None]:
        return lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")

    def _sign_in(self, context: BrowserContext, who: str) -> None:
        page = context.new_page()
        page.goto(f"{self.scene.url}/accounts/login/")
        page.get_by_label("Username").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.locator("main form .button").click()
        expect(page.locator("body")).to_have_attribute("data-user", who)
        page.close()
