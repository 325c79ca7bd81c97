"""The path of an event in a real browser, as people see it."""

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from script.development.startup import web_trouble

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SECONDS = 15_000
# What Chromium itself says of a server that was killed; the page's part is to come back.
BROKEN = ("WebSocket connection to", "net::ERR_")


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, and a check run must not leave the browser out.")
        pytest.skip("Chromium is not installed, so the journey in a browser is left out (apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def browsing(chromium, stack, name, **options):
    """Open a page in a browser of somebody's own, signed in; what the console complains of fails the test."""
    context = chromium.new_context(**options)
    context.set_default_timeout(SECONDS)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{stack.url}/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("tidewire")
    page.locator("main button").click()
    expect(page.locator("body")).to_have_attribute("data-user", name)
    yield page
    assert [text for text in complaints if not any(words in text for words in BROKEN)] == []
    context.close()


def live(page):
    """Load the page anew and return once it is subscribed, so that nothing of the test comes by the loading."""
    frames = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame)))
    page.reload()
    deadline = time.monotonic() + SECONDS / 1000
    while not any('"subscribed"' in str(frame) for frame in frames):
        assert time.monotonic() < deadline, f"The page did not subscribe: {frames}"
        page.wait_for_timeout(20)


def wait_answering(stack):
    deadline = time.monotonic() + SECONDS / 1000
    while trouble := web_trouble(stack.port, "/readyz"):
        assert time.monotonic() < deadline, trouble
        time.sleep(0.02)


def publish(page, text):
    page.get_by_label("New entry").fill(text)
    page.get_by_role("button", name="Publish").click()


def picture(page, name):
    if folder := os.environ.get("TIDEWIRE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_an_entry_a_like_and_a_badge_are_seen_without_a_reload(stack, chromium):
    with browsing(chromium, stack, "alice") as alice, browsing(chromium, stack, "bob") as bob:
        for page in (alice, bob):
            page.goto(stack.url)
            live(page)
        bob.evaluate("window.sameDocument = true")
        alice.evaluate("window.sameDocument = true")

        publish(alice, "Seen in a browser <b>as text</b>")
        entry = bob.locator("article", has_text="Seen in a browser <b>as text</b>")
        expect(entry).to_have_count(1)

        before = int(alice.locator("#unread").inner_text() or 0) if alice.locator("#badge").is_visible() else 0
        entry.locator("button.like").click()
        expect(entry.locator("[data-count=like_count]")).to_have_text("1")
        expect(alice.locator("#unread")).to_have_text(str(before + 1))
        expect(alice.locator("#badge")).to_be_visible()
        expect(alice).to_have_title(f"({before + 1}) Tidewire")
        expect(alice.locator("article", has_text="Seen in a browser").locator("[data-count=like_count]")).to_have_text(
            "1"
        )

        for page in (alice, bob):
            assert page.evaluate("window.sameDocument === true")
            expect(page.locator("article", has_text="Seen in a browser")).to_have_count(1)


def test_a_page_comes_back_by_itself_after_the_server_was_killed(stack, chromium):
    with browsing(chromium, stack, "alice") as alice, browsing(chromium, stack, "carol") as carol:
        for page in (alice, carol):
            page.goto(stack.url)
            live(page)
        stack.wait_restarted("web", stack.kill("web"))
        wait_answering(stack)
        alice.goto(stack.url)
        publish(alice, "After the restart")
        expect(carol.locator("article", has_text="After the restart")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_fit_the_screen(stack, chromium, scheme, width):
    size = {"width": width, "height": 900}
    with browsing(chromium, stack, "bob", viewport=size, color_scheme=scheme) as page:
        for name, path in (("home", "/"), ("feed", "/feeds/alice/"), ("inbox", "/notifications/")):
            page.goto(stack.url + path)
            expect(page.locator("main")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than the screen"
            picture(page, f"{name}-{width}-{scheme}")
