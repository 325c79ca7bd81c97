"""What arrives is never in the way: at the top it comes in, elsewhere it waits, and nothing that is read moves."""

import time
import uuid

import pytest
from playwright.sync_api import expect

from tests.journeys.reading import card, entry, name, scripted, texts, until

POSITION = "element => element.getBoundingClientRect().top"


@pytest.fixture(scope="module")
def many(sea):
    """Entries for several pages."""
    alice = sea.writer("alice")
    feed, prefix = alice.feed("alice")["id"], name("Many")
    return [alice.call("POST", f"feeds/{feed}/entries/", text=f"{prefix} {n}") for n in range(90)]


def test_at_the_top_a_new_entry_comes_in_by_itself(sea, alice):
    with sea.page() as page:
        text = name()
        alice.publish(text)
        expect(page.locator("[data-list] > article").first).to_contain_text(text)
        expect(page.locator("#pill")).to_be_hidden()


def test_further_down_it_waits_behind_a_button_that_counts_and_nothing_moves(sea, many, alice):
    with sea.page() as page:
        page.mouse.wheel(0, 900)
        until(page, "scrollY > 500")
        seen = card(page, many[-6]["text"])
        before = seen.evaluate(POSITION)
        first, second = name("Waits"), name("Waits")
        alice.publish(first)
        expect(page.locator("#pill")).to_have_text("1 new entry")
        alice.publish(second)
        expect(page.locator("#pill")).to_have_text("2 new entries")
        assert seen.evaluate(POSITION) == before
        # Not by the mouse: to bring the button into view the page would be scrolled, and at its top needs none.
        page.locator("#pill").dispatch_event("click")
        expect(page.locator("#pill")).to_be_hidden()
        assert texts(page, "Waits")[:2] == [second, first]
        assert "Waits" in page.evaluate("document.activeElement.textContent")
        expect(card(page, second)).to_be_in_viewport()


def test_who_scrolls_back_to_the_top_finds_it_there(sea, many, alice):
    with sea.page() as page:
        page.evaluate("scrollTo(0, 1200)")
        text = name()
        alice.publish(text)
        expect(page.locator("#pill")).to_be_visible()
        page.evaluate("scrollTo(0, 0)")
        expect(card(page, text)).to_be_visible()
        expect(page.locator("#pill")).to_be_hidden()


def test_what_waits_is_edited_counted_and_taken_back_while_it_waits(sea, many, alice):
    with sea.page() as page:
        page.evaluate("scrollTo(0, 1200)")
        kept, gone = alice.publish(name("Kept")), alice.publish(name("Gone"))
        expect(page.locator("#pill")).to_have_text("2 new entries")
        alice.call("PATCH", f"entries/{kept['id']}/", text=kept["text"] + " and mended")
        sea.writer("bob").call("PUT", f"entries/{kept['id']}/like/")
        alice.call("DELETE", f"entries/{gone['id']}/")
        expect(page.locator("#pill")).to_have_text("1 new entry")
        page.locator("#pill").click()
        mended = card(page, kept["text"] + " and mended")
        expect(mended.locator("[data-count=like_count]")).to_have_text("1")
        expect(mended.locator(".edited")).to_be_visible()
        expect(card(page, gone["text"])).to_have_count(0)


def test_it_can_be_told_to_always_wait_and_remembers(sea, alice):
    with sea.page() as page:
        page.locator("#reading summary").click()
        page.get_by_label("always waits").check()
        page.get_by_label("begin with the oldest").check()
        page.reload()
        page.wait_for_selector("#connection[data-state=live]", state="attached")
        older, newer = name("Always"), name("Always")
        alice.publish(older)
        expect(page.locator("#pill")).to_have_text("1 new entry")
        alice.publish(newer)
        expect(page.locator("#pill")).to_have_text("2 new entries")
        page.locator("#pill").click()
        assert older in page.evaluate("document.activeElement.textContent")
        page.locator("#reading summary").click()
        page.get_by_label("always waits").uncheck()
        page.get_by_label("begin with the oldest").uncheck()


def test_what_is_typed_and_an_open_menu_stay_as_they_are(sea, alice):
    with sea.page() as page:
        field = page.get_by_label("New entry")
        field.fill("half a sentence")
        field.evaluate("field => field.setSelectionRange(4, 6)")
        text = name()
        alice.publish(text)
        expect(card(page, text)).to_be_visible()
        assert field.evaluate("field => [field.value, field.selectionStart, field.selectionEnd]") == [
            "half a sentence",
            4,
            6,
        ]
        expect(field).to_be_focused()

        menu = card(page, text).locator("details.more")
        menu.locator("summary").first.click()
        alice.publish(name())
        expect(page.locator("#pill")).to_have_text("1 new entry")
        expect(menu.locator(".menu")).to_be_visible()


def test_a_comment_above_does_not_move_the_answer_that_is_being_written(sea, alice):
    said = alice.publish(name())
    for number in range(12):
        alice.call("POST", f"entries/{said['id']}/comments/", text=f"Comment {number}")
    with sea.page(path=f"/entries/{said['id']}/") as page:
        field = page.get_by_label("Your comment")
        field.fill("I am writing")
        field.scroll_into_view_if_needed()
        before = field.evaluate(POSITION)
        alice.call("POST", f"entries/{said['id']}/comments/", text="One more\nof\nfour\nlines")
        expect(card(page, "One more")).to_have_count(1)
        assert abs(field.evaluate(POSITION) - before) <= 1
        expect(field).to_have_value("I am writing")
        expect(field).to_be_focused()


def test_an_edit_above_what_is_read_does_not_move_it(sea, many, alice):
    with sea.page() as page:
        cards = page.locator("[data-list] > article")
        cards.nth(12).scroll_into_view_if_needed()
        until(page, "scrollY > 500")
        edited, seen = cards.nth(1).get_attribute("data-id"), page.locator(f"#{cards.nth(12).get_attribute('id')}")
        before = seen.evaluate(POSITION)
        text = name("Longer") + "\nmuch\nlonger\nthan\nbefore"
        alice.call("PATCH", f"entries/{edited}/", text=text)
        expect(page.locator(f"#entry-{edited}")).to_contain_text("longer")
        assert abs(seen.evaluate(POSITION) - before) <= 1


def test_who_stands_on_an_entry_that_goes_stands_on_the_next_one(sea, alice):
    below, above = alice.publish(name("Below")), alice.publish(name("Above"))
    with sea.page() as page:
        card(page, above["text"]).focus()
        alice.call("DELETE", f"entries/{above['id']}/")
        expect(card(page, below["text"])).to_be_focused()


# Keeps the longest time without a frame. The page needs its own time for it.
GAPS = """
() => {
    window.gaps = { longest: 0, frames: 0 };
    const look = (before) => requestAnimationFrame((now) => {
        window.gaps.longest = Math.max(window.gaps.longest, now - before);
        window.gaps.frames += 1;
        look(now);
    });
    look(performance.now());
}
"""


def storm(number):
    """Return fifty events of a busy moment: new entries, and what becomes of some of them at once."""
    new = [entry(number + n) for n in range(30)]
    told = [each["data"]["entry"] for each in new]
    counted = [happened("counted", each["id"], like_count=3, comment_count=1, version=2) for each in told[:10]]
    edited = [happened("edited", **each | {"text": f"Edited {each['id']}", "version": 3}) for each in told[10:20]]
    return new + counted + edited


def happened(what, id, **fields):
    data = {"entry": {"id": id} | fields}
    return {"id": str(uuid.uuid4()), "type": f"feeds.entry.{what}", "topic": "feeds.1", "data": data}


def test_a_thousand_events_a_second_neither_freeze_nor_fill_the_page(sea):
    with scripted(sea, is_timed=False) as (page, server):
        page.evaluate(GAPS)
        before, began = page.locator("*").count(), time.monotonic()
        for batch in range(100):
            server.events(*storm(30 * batch))
            page.wait_for_timeout(max(0, 1000 * (began + batch / 20 - time.monotonic())))
        expect(page.locator("#pill")).to_have_text("400+ new entries")
        until(page, "window.gaps.frames > 50")
        # A reader calls half a second frozen; a quiet machine stays far below it, a busy one needs some grace.
        assert page.evaluate("window.gaps.longest") < 1000
        parts = 1 + page.locator("[data-list] > article").first.locator("*").count()
        # What waits is in no document.
        assert page.locator("*").count() < before + 100 * parts
        page.locator("#pill").click()
        expect(page.locator("[data-list] > article").first).to_contain_text("Storm 2999")
        assert page.locator("[data-list] > article").count() <= 400
        assert page.locator("*").count() < before + 400 * parts
        assert page.evaluate("window.gaps.longest") < 1000
        assert page.evaluate("new URL(document.getElementById('older').href).searchParams.get('before')") == str(
            10**9 + 2600
        )


def test_older_entries_come_by_themselves_three_pages_far_and_then_by_a_link(sea, many):
    with sea.page() as page:
        for pages in (2, 3, 4):
            page.locator("#older").scroll_into_view_if_needed()
            expect(page.locator("[data-list] > article")).to_have_count(20 * pages)
        page.locator("#older").scroll_into_view_if_needed()
        expect(page.locator(".foot")).to_be_in_viewport()
        expect(page.locator("[data-list] > article")).to_have_count(80)
        numbers = page.locator("[data-list] > article").evaluate_all("all => all.map(card => Number(card.dataset.id))")
        assert numbers == sorted(set(numbers), reverse=True)
        page.locator("#older").click()
        page.wait_for_url("**/?before=*")
        expect(card(page, many[0]["text"])).to_have_count(1)


def test_a_page_that_many_read_asks_the_server_for_nothing_when_something_is_published(sea, alice):
    with sea.page() as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        text = name()
        alice.publish(text)
        expect(card(page, text)).to_be_visible()
        assert asked == []


WAITS = """
() => {
    Math.random = () => 0.75;
    window.waits = [];
    const real = window.setTimeout;
    window.setTimeout = (run, wait) => real(run, (window.waits.push(wait), wait));
}
"""


def test_pages_that_must_be_read_anew_do_not_all_do_so_at_once(sea):
    with scripted(sea) as (page, server):
        page.evaluate(WAITS)
        server.tell(type="reset", reason="epoch", cursor="test-9")
        until(page, "window.waits.includes(1500)")
