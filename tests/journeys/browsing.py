"""Somebody at a real browser."""

import time
from contextlib import contextmanager

from playwright.sync_api import expect

from script.development.startup import web_trouble

SECONDS = 15_000
# What Chromium itself says of a server that was killed; the page's part is to come back.
BROKEN = ("WebSocket connection to", "net::ERR_")


@contextmanager
def browsing(chromium, stack, name, script="", **options):
    """Open a page in a browser of somebody's own, signed in; what the console complains of fails the test."""
    context = chromium.new_context(**options)
    context.set_default_timeout(SECONDS)
    context.add_init_script(script)
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


def sign_up(page, name):
    """Come in as somebody new, on the page for that; returns at home, where nothing is yet."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill("a tide and a wire")
    page.get_by_label("Password confirmation").fill("a tide and a wire")
    page.locator("main button").click()
    expect(page.get_by_role("heading", name="One event, every way out")).to_be_visible()


def live(page):
    """Return once the page is live and has shown what it missed; what comes later comes without a reload."""
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=SECONDS)
    page.evaluate("window.sameDocument = true")


def wait_answering(stack):
    deadline = time.monotonic() + SECONDS / 1000
    while trouble := web_trouble(stack.port, "/readyz"):
        assert time.monotonic() < deadline, trouble
        time.sleep(0.02)


def publish(page, text):
    """Publish an entry; returns once the server has it."""
    page.get_by_label("New entry").fill(text)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_label("New entry")).to_have_value("", timeout=SECONDS)
    # What is shown at once is still on its way until then.
    expect(page.locator(".is-sending")).to_have_count(0, timeout=SECONDS)
