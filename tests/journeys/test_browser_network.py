"""A page in a real browser when the network, the server or other tabs are not as they should be."""

from playwright.sync_api import expect

from tests.journeys.browsing import SECONDS, browsing, live, publish, wait_answering
from tests.journeys.conftest import ARGUMENTS, CHROMIUM

NO_WEBSOCKET = """
    window.WebSocket = class {
        constructor() { setTimeout(() => this.onclose?.({ code: 1006 })); }
        close() {}
    };
"""
NO_STREAM = NO_WEBSOCKET + "delete window.EventSource;"


def texts(page, prefix):
    """Return the entries on the page that begin so, the oldest first."""
    found = page.locator(".entry .entry-text").all_inner_texts()
    return [text for text in reversed(found) if text.startswith(prefix)]


def sees(page, *expected):
    """Wait for the last entry, then say that all are there: each once, in order, without a reload."""
    expect(page.locator("article", has_text=expected[-1])).to_have_count(1, timeout=SECONDS)
    assert texts(page, expected[0].rsplit(" ", 1)[0]) == list(expected)
    assert page.evaluate("window.sameDocument === true")


def sockets_of(page):
    """Return the list to which the page's sockets are added as it opens them."""
    found = []
    page.on("websocket", lambda socket: found.append(socket))
    return found


def publish_all(page, *entries):
    for entry in entries:
        publish(page, entry)


def test_what_happened_while_the_network_was_away_comes_once_and_in_order(stack, chromium):
    with browsing(chromium, stack, "alice") as alice, browsing(chromium, stack, "carol") as carol:
        live(carol)
        publish(alice, "Network 1")
        sees(carol, "Network 1")
        carol.context.set_offline(True)
        expect(carol.locator("#connection")).to_have_attribute("data-state", "offline")
        publish_all(alice, "Network 2", "Network 3", "Network 4")
        expect(carol.locator("#connection")).to_contain_text("You are offline")
        assert texts(carol, "Network") == ["Network 1"]
        carol.context.set_offline(False)
        sees(carol, "Network 1", "Network 2", "Network 3", "Network 4")
        expect(carol.locator("#connection")).to_have_text("")


def test_what_happened_while_the_server_was_killed_comes_once_and_in_order(stack, chromium):
    with browsing(chromium, stack, "alice") as alice, browsing(chromium, stack, "carol") as carol:
        live(carol)
        publish(alice, "Killed 1")
        stack.wait_restarted("web", stack.kill("web"))
        wait_answering(stack)
        publish_all(alice, "Killed 2", "Killed 3")
        sees(carol, "Killed 1", "Killed 2", "Killed 3")


def test_tabs_share_one_connection_and_another_goes_on_when_the_first_is_closed(stack, chromium):
    with browsing(chromium, stack, "alice") as alice, browsing(chromium, stack, "carol") as first:
        live(first)
        second = first.context.new_page()
        sockets = sockets_of(second)
        second.goto(stack.url)
        live(second)
        publish(alice, "Tabs 1")
        for page in (first, second):
            sees(page, "Tabs 1")
        assert sockets == []

        for _ in range(5):
            passing = first.context.new_page()
            passing.goto(stack.url)
            live(passing)
            passing.close()
        third = first.context.new_page()
        third.goto(f"{stack.url}/feeds/alice/")
        live(third)
        publish(alice, "Tabs 2")
        first.close()
        publish_all(alice, "Tabs 3", "Tabs 4")
        for page in (second, third):
            sees(page, "Tabs 1", "Tabs 2", "Tabs 3", "Tabs 4")


def test_a_page_that_is_come_back_to_was_kept_and_shows_what_it_missed(stack, chromium):
    keeping = {"executable_path": CHROMIUM, "args": ARGUMENTS, "ignore_default_args": ["--disable-back-forward-cache"]}
    with (
        browsing(chromium, stack, "alice") as alice,
        chromium.browser_type.launch(**keeping) as other,
        browsing(other, stack, "carol") as carol,
    ):
        live(carol)
        publish(alice, "Kept 1")
        sees(carol, "Kept 1")
        carol.goto(f"{stack.url}/notifications/")
        publish_all(alice, "Kept 2", "Kept 3")
        carol.evaluate("history.back()")
        sees(carol, "Kept 1", "Kept 2", "Kept 3")


def test_tabs_of_before_and_after_signing_out_share_nothing(stack, chromium):
    with browsing(chromium, stack, "carol") as page:
        live(page)
        leaving = page.context.new_page()
        sockets = sockets_of(leaving)
        leaving.goto(stack.url)
        live(leaving)
        assert sockets == []
        leaving.get_by_role("button", name="Sign out").click()
        expect(leaving.locator("body")).not_to_have_attribute("data-user", "carol")
        live(leaving)
        assert sockets


def test_a_page_whose_websocket_is_blocked_is_live_by_a_stream(stack, chromium):
    check_live(stack, chromium, NO_WEBSOCKET, "Stream", "/live/sse")


def test_a_page_that_may_only_make_requests_is_live_by_polling(stack, chromium):
    check_live(stack, chromium, NO_STREAM, "Asked for", "/api/v1/events/")


def check_live(stack, chromium, script, prefix, path):
    with browsing(chromium, stack, "alice") as alice, browsing(chromium, stack, "carol", script) as carol:
        requested = []
        carol.on("request", lambda request: requested.append(request.url))
        carol.goto(stack.url)
        live(carol)
        publish_all(alice, f"{prefix} 1", f"{prefix} 2")
        sees(carol, f"{prefix} 1", f"{prefix} 2")
        carol.context.set_offline(True)
        publish(alice, f"{prefix} 3")
        carol.context.set_offline(False)
        sees(carol, f"{prefix} 1", f"{prefix} 2", f"{prefix} 3")
        assert any(path in url for url in requested)
