"""A page is right again whatever it has slept through: what is new, changed, counted and gone."""

from playwright.sync_api import expect

from tests.journeys.browsing import live, wait_answering
from tests.journeys.reading import card, name, texts


class Story:
    """What happens while a page is away, and what it must show then."""

    def __init__(self, sea):
        self.alice, self.bob, self.prefix = sea.writer("alice"), sea.writer("bob"), name("Story")
        self.edited, self.counted, self.gone = (self.alice.publish(f"{self.prefix} {word}") for word in ("a", "b", "c"))

    def happen(self):
        self.alice.call("PATCH", f"entries/{self.edited['id']}/", text=f"{self.prefix} edited")
        self.bob.call("PUT", f"entries/{self.counted['id']}/like/")
        self.bob.call("POST", f"entries/{self.counted['id']}/comments/", text="Seen")
        self.alice.call("DELETE", f"entries/{self.gone['id']}/")
        for word in ("new", "newest"):
            self.alice.publish(f"{self.prefix} {word}")

    def is_told(self, page):
        expect(card(page, f"{self.prefix} newest")).to_have_count(1)
        wanted = [f"{self.prefix} {word}" for word in ("newest", "new", "b", "edited")]
        assert texts(page, self.prefix) == wanted
        counted = card(page, f"{self.prefix} b")
        expect(counted.locator("[data-count=like_count]")).to_have_text("1")
        expect(counted.locator("[data-count=comment_count]")).to_have_text("1")
        assert page.evaluate("window.sameDocument === true")


def test_after_the_network_was_away(sea):
    story = Story(sea)
    with sea.apart("carol") as page:
        page.context.set_offline(True)
        expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
        story.happen()
        page.context.set_offline(False)
        story.is_told(page)


def test_after_sleep_in_which_the_connection_died_without_a_word(sea):
    story = Story(sea)
    # The sockets of before say nothing any more, as those of a machine that slept.
    deaf = """
        const Real = WebSocket;
        window.sockets = [];
        window.WebSocket = class extends Real { constructor(...all) { super(...all); window.sockets.push(this); } };
    """
    with sea.apart("carol", is_live=False) as page:
        page.add_init_script(deaf)
        page.reload()
        live(page)
        page.evaluate("for (const socket of window.sockets) socket.onmessage = () => {}")
        story.happen()
        page.evaluate("document.dispatchEvent(new Event('freeze')); document.dispatchEvent(new Event('resume'))")
        story.is_told(page)


def test_after_the_server_was_killed(sea, stack):
    story = Story(sea)
    with sea.page() as page:
        stack.wait_restarted("web", stack.kill("web"))
        wait_answering(stack)
        story.happen()
        story.is_told(page)


def test_after_valkey_was_killed(sea, stack):
    story = Story(sea)
    with sea.page() as page:
        stack.wait_restarted("valkey", stack.kill("valkey"))
        story.happen()
        story.is_told(page)


def test_after_the_way_back_to_a_page_that_the_browser_had_kept(sea):
    story = Story(sea)
    with sea.page() as page:
        page.goto(f"{sea.stack.url}/notifications/")
        story.happen()
        page.evaluate("history.back()")
        story.is_told(page)


def test_the_way_back_to_a_page_that_was_not_kept_finds_as_much_of_it_and_the_place(sea):
    alice, prefix = sea.writer("alice"), name("Back")
    for number in range(45):
        alice.publish(f"{prefix} {number}")
    # A page with this handler is not kept.
    with sea.page(script="addEventListener('unload', () => {});") as page:
        page.locator("#older").scroll_into_view_if_needed()
        expect(page.locator("[data-list] > article")).to_have_count(40)
        page.locator("#older").scroll_into_view_if_needed()
        expect(page.locator("[data-list] > article")).to_have_count(60)
        old = card(page, f"{prefix} 0").first
        old.scroll_into_view_if_needed()
        page.goto(f"{sea.stack.url}/notifications/")
        page.evaluate("history.back()")
        expect(page.locator("[data-list] > article")).to_have_count(60)
        expect(card(page, f"{prefix} 0").first).to_be_in_viewport()
