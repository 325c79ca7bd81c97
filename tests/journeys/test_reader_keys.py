"""The page by keyboard, and as those hear it who do not see it."""

import pytest
from playwright.sync_api import expect

from tests.journeys.reading import card, entry, name, scripted


@pytest.fixture
def rows(alice):
    """Three entries, the newest first."""
    return [alice.publish(name("Key")) for _ in range(3)][::-1]


def test_letters_go_from_entry_to_entry_like_and_comment(sea, rows):
    with sea.page() as page:
        page.keyboard.press("j")
        expect(card(page, rows[0]["text"])).to_be_focused()
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        here = card(page, rows[1]["text"])
        expect(here).to_be_focused()
        page.keyboard.press("l")
        expect(here.locator("button.like")).to_have_attribute("aria-pressed", "true")
        expect(here).to_be_focused()
        page.keyboard.press("c")
        page.wait_for_url(f"**/entries/{rows[1]['id']}/#comments")
        page.keyboard.press("c")
        expect(page.get_by_label("Your comment")).to_be_focused()
        page.keyboard.type("jkl")
        expect(page.get_by_label("Your comment")).to_have_value("jkl")


def test_a_dot_shows_what_waits_because_somebody_stands_in_the_list(sea, rows, alice):
    with sea.page() as page:
        page.keyboard.press("j")
        text = name()
        alice.publish(text)
        expect(page.locator("#pill")).to_have_text("1 new entry")
        expect(card(page, rows[0]["text"])).to_be_focused()
        page.keyboard.press(".")
        expect(card(page, text)).to_be_focused()


def test_pages_go_within_the_list_and_control_leads_out_of_it(sea, rows):
    with sea.page() as page:
        card(page, rows[0]["text"]).focus()
        page.keyboard.press("PageDown")
        expect(card(page, rows[1]["text"])).to_be_focused()
        page.keyboard.press("PageUp")
        expect(card(page, rows[0]["text"])).to_be_focused()
        page.keyboard.press("Control+End")
        assert (
            page.evaluate("document.activeElement.compareDocumentPosition(document.querySelector('[role=feed]'))") == 2
        )
        card(page, rows[0]["text"]).focus()
        page.keyboard.press("Control+Home")
        assert (
            page.evaluate("document.activeElement.compareDocumentPosition(document.querySelector('[role=feed]'))") == 4
        )


def test_a_question_mark_tells_the_keys_and_letters_can_be_turned_off_for_good(sea, rows):
    with sea.apart("carol") as page:
        page.keyboard.press("?")
        help = page.get_by_role("dialog", name="By keyboard")
        expect(help).to_be_visible()
        help.get_by_label("Letters work as keys").uncheck()
        help.get_by_role("button", name="Close").click()
        page.reload()
        page.keyboard.press("j")
        expect(page.locator(".entry:focus")).to_have_count(0)
        card(page, rows[0]["text"]).focus()
        page.keyboard.press("PageDown")
        expect(card(page, rows[1]["text"])).to_be_focused()


def test_the_list_is_a_feed_of_labelled_and_numbered_articles(sea):
    with scripted(sea) as (page, server):
        feed = page.get_by_role("feed", name="Entries")
        server.events(*(entry(number) for number in range(3)))
        expect(card(page, "Storm 2")).to_have_attribute("aria-posinset", "1")
        found = feed.get_by_role("article").evaluate_all(
            "all => all.map(card => [card.ariaPosInSet, card.ariaSetSize])"
        )
        assert found == [[str(number + 1), "-1"] for number in range(len(found))]
        expect(feed.get_by_role("article", name="alice").first).to_be_visible()
        expect(feed).to_have_attribute("aria-busy", "false")
