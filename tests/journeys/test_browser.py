"""The path of an event in a real browser, as people see it."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import browsing, live, publish, wait_answering


def picture(page, name):
    if folder := os.environ.get("TIDEWIRE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_an_entry_a_like_and_a_badge_are_seen_without_a_reload(stack, chromium):
    with browsing(chromium, stack, "alice") as alice, browsing(chromium, stack, "bob") as bob:
        for page in (alice, bob):
            page.goto(stack.url)
            live(page)

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
