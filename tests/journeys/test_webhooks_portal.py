"""The portal in a real browser: what is delivered is seen as it happens, and something is done about it."""

import os
import re
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import SECONDS, browsing, live, publish, sign_up
from tests.journeys.reading import name as words


@pytest.fixture
def shop():
    """A subscriber's server in threads of its own; answers with `statuses` in their order, then 204."""

    class Take(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status = server.statuses.pop(0) if server.statuses else 204
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    server.statuses, server.url = [], f"http://127.0.0.1:{server.server_port}/hook"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def make_endpoint(page, stack, shop):
    """Make an endpoint by the form, and stand on its page."""
    page.goto(f"{stack.url}/webhooks/")
    page.get_by_role("link", name="New endpoint").click()
    page.get_by_label("URL").fill(shop.url)
    page.get_by_label("Event types").fill("feeds.entry.published")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("h1")).to_have_text(shop.url)


def delete_endpoint(page):
    page.get_by_text("Delete this endpoint").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("The endpoint is deleted.")).to_be_visible()


def test_the_owner_sees_attempts_as_they_happen_resends_pauses_and_resumes(stack, chromium, shop):
    shop.statuses = [500]
    with browsing(chromium, stack, "alice") as page, browsing(chromium, stack, "alice") as writer:
        make_endpoint(page, stack, shop)
        live(page)
        expect(page.locator("#liveness")).to_have_text("Live")
        writer.goto(stack.url)
        publish(writer, "To be delivered")
        row = page.locator("#deliveries tr", has_text="feeds.entry.published")
        expect(page.locator("#announcer")).to_have_text("Attempts: 1 failed", timeout=SECONDS)
        expect(row).to_contain_text("500")
        expect(row).to_have_count(1)
        assert page.evaluate("window.sameDocument === true")

        row.get_by_role("link").click()
        live(page)
        tries = page.locator("#attempts > details")
        expect(tries).to_have_count(2, timeout=SECONDS)
        expect(tries.first).to_contain_text("204")
        assert page.evaluate("window.sameDocument === true")
        page.get_by_role("button", name="Resend").click()
        live(page)
        expect(tries).to_have_count(3, timeout=SECONDS)
        expect(page.locator("#state")).to_contain_text("Succeeded")
        assert page.evaluate("window.sameDocument === true")

        page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name=shop.url[:30]).click()
        page.get_by_role("button", name="Pause").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#state")).to_contain_text("Paused")
        publish(writer, "While it is paused")
        page.get_by_role("button", name="Resume").focus()
        page.keyboard.press("Enter")
        live(page)
        expect(page.locator("#counts")).to_contain_text("Succeeded 2", timeout=SECONDS)
        delete_endpoint(page)


def test_a_newcomer_s_first_event_lights_the_webhook_once_the_receiver_has_taken_it(stack, chromium, shop):
    shop.statuses = [500]
    context = chromium.new_context(base_url=stack.url)
    context.set_default_timeout(SECONDS)
    page = context.new_page()
    page.goto("/accounts/signup/")
    sign_up(page, words("new").replace(" ", "-"))
    make_endpoint(page, stack, shop)
    page.goto("/")
    live(page)
    webhook = page.locator("#out-webhook .state")
    expect(webhook).to_have_text("waiting")
    page.get_by_role("button", name="Publish a first status").click()
    expect(page.locator("#out-socket .state")).to_contain_text("arrived after")
    expect(webhook).to_contain_text("arrived after", timeout=SECONDS)
    expect(page.locator("#way-webhook")).to_have_class("is-lit")
    # The first try was refused, and the second comes after 5 s ± 20 %.
    assert shop.statuses == []
    assert int(re.search(r"\d+", webhook.text_content())[0]) > 3900
    context.close()


def test_who_was_signed_out_meanwhile_comes_back_to_the_endpoint(stack, chromium, shop):
    with browsing(chromium, stack, "alice", java_script_enabled=False) as page:
        make_endpoint(page, stack, shop)
        endpoint = page.url
        page.context.clear_cookies(name="sessionid")
        page.get_by_role("button", name="Send a test event").click()
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill("tidewire")
        page.locator("main button").click()
        expect(page.locator("h1")).to_have_text(shop.url)
        assert page.url == endpoint
        delete_endpoint(page)


def test_code_runs_from_left_to_right_also_where_the_page_does_not(stack, chromium, shop):
    with browsing(chromium, stack, "alice") as page:
        make_endpoint(page, stack, shop)
        endpoint = page.url
        page.get_by_role("button", name="Send a test event").click()
        live(page)
        page.locator("#deliveries a").first.click()
        page.evaluate("document.documentElement.dir = 'rtl'")
        code = page.locator("main pre, main .code")
        expect(code.first).to_be_visible()
        ways = code.evaluate_all("all => all.map((each) => getComputedStyle(each).direction)")
        assert len(ways) > 3 and set(ways) == {"ltr"}
        page.goto(endpoint)
        delete_endpoint(page)


def test_without_javascript_the_pages_say_and_do_the_same(stack, chromium, shop):
    with browsing(chromium, stack, "alice", java_script_enabled=False) as page:
        make_endpoint(page, stack, shop)
        endpoint = page.url
        page.goto(stack.url)
        publish(page, "Without a script")
        page.goto(endpoint)
        row, deadline = page.locator("#deliveries tr"), time.monotonic() + SECONDS / 1000
        while not row.get_by_text("Succeeded").count():
            assert time.monotonic() < deadline
            page.reload()
        row.get_by_role("link").click()
        expect(page.locator("#attempts > details")).to_contain_text("204")
        page.get_by_text("As a curl command").click()
        expect(page.locator("#attempts pre", has_text="curl ")).to_be_visible()
        page.goto(f"{endpoint}secret/")
        expect(page.locator("#secret")).to_contain_text("whsec_")
        page.goto(endpoint)
        delete_endpoint(page)


def test_operators_see_what_happens_above_the_list_and_above_a_delivery(stack, chromium, shop):
    with browsing(chromium, stack, "alice") as alice, browsing(chromium, stack, "admin") as admin:
        make_endpoint(alice, stack, shop)
        endpoint = alice.url.rstrip("/").rpartition("/")[2]
        admin.goto(f"{stack.url}/admin/webhooks/delivery/?endpoint={endpoint}")
        strip = admin.locator("#strip")
        expect(strip).to_have_attribute("data-state", "live", timeout=SECONDS)
        alice.goto(stack.url)
        publish(alice, "For operators too")
        expect(strip).to_contain_text(re.compile(r"[1-9]\d* succeeded"), timeout=SECONDS)
        strip.get_by_role("link", name="Show").click()
        admin.locator("#result_list tbody tr").first.locator("th a").click()
        expect(strip).to_have_attribute("data-state", "live", timeout=SECONDS)
        expect(admin.locator("pre.wire", has_text="curl ")).to_have_count(1)
        alice.goto(f"{stack.url}/webhooks/")
        alice.get_by_role("link", name=shop.url).click()
        alice.locator("#deliveries a").first.click()
        alice.get_by_role("button", name="Resend").click()
        expect(strip).to_contain_text("Attempt 2: 204.", timeout=SECONDS)
        alice.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name=shop.url[:30]).click()
        delete_endpoint(alice)


def test_charts_follow_what_happens_and_their_table_stays_open(stack, chromium, shop):
    with browsing(chromium, stack, "alice") as page, browsing(chromium, stack, "alice") as writer:
        make_endpoint(page, stack, shop)
        live(page)
        expect(page.get_by_text("Nothing was to be delivered in this time.")).to_be_visible()
        writer.goto(stack.url)
        publish(writer, "For the charts")
        expect(page.locator("#trends .bar-good")).to_have_count(1)
        page.get_by_text("The same as a table").click()
        publish(writer, "For the charts again")
        numbers = page.get_by_role("region", name="The charts as a table").locator("tbody tr td")
        expect(numbers.first).to_have_text("2")
        expect(numbers.first).to_be_visible()
        assert page.evaluate("window.sameDocument === true")
        page.get_by_role("link", name="7 days").click()
        expect(page.locator("#trends .bar-good")).to_have_count(1)
        delete_endpoint(page)


def test_a_replay_is_begun_and_seen_to_its_end(stack, chromium, shop):
    with browsing(chromium, stack, "alice") as page:
        make_endpoint(page, stack, shop)
        endpoint, began = page.url, datetime.now(UTC)
        page.goto(stack.url)
        publish(page, "To be sent twice")
        page.goto(endpoint)
        expect(page.locator("#counts")).to_contain_text("Succeeded 1", timeout=SECONDS)
        page.get_by_role("link", name="Replay").click()
        page.get_by_label("Send anew").select_option("all")
        page.get_by_label("From (UTC)").fill(f"{began:%Y-%m-%dT%H:%M:%S}")
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_text("It has begun.")).to_be_visible()
        live(page)
        expect(page.locator("#replays > li").first).to_contain_text("Done", timeout=SECONDS)
        assert page.evaluate("window.sameDocument === true")
        page.goto(endpoint)
        expect(
            page.locator("#deliveries tr", has_text="feeds.entry.published").locator(".of-attempts")
        ).to_contain_text(["2"], timeout=SECONDS)
        delete_endpoint(page)


def test_a_secret_is_copied_and_rotated_while_the_old_one_signs_on(stack, chromium, shop):
    with browsing(chromium, stack, "alice", permissions=["clipboard-read", "clipboard-write"]) as page:
        make_endpoint(page, stack, shop)
        endpoint = page.url
        page.get_by_role("link", name="Secret").click()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        old = page.evaluate("navigator.clipboard.readText()")
        assert old.startswith("whsec_")
        page.get_by_label("The old one signs on for").select_option("An hour")
        page.get_by_role("button", name="Rotate").click()
        expect(page.get_by_text("An earlier one still signs")).to_be_visible()
        assert page.locator("#secret").text_content() not in ("", old)
        page.goto(endpoint)
        delete_endpoint(page)


def test_what_an_endpoint_would_have_got_is_seen_before_it_is_made(stack, chromium, shop):
    with browsing(chromium, stack, "alice") as page:
        page.goto(stack.url)
        publish(page, "Before there is an endpoint")
        page.goto(f"{stack.url}/webhooks/new/")
        page.get_by_label("URL").fill(shop.url)
        page.get_by_label("Event types").fill("feeds.entry.published")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#preview")).to_contain_text("feeds.entry.published")
        expect(page.get_by_label("URL")).to_have_value(shop.url)
        page.goto(f"{stack.url}/webhooks/")
        expect(page.get_by_role("link", name=shop.url)).to_have_count(0)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_pages_fit_the_screen(stack, chromium, shop, width):
    with browsing(chromium, stack, "alice", viewport={"width": width, "height": 900}) as page:
        make_endpoint(page, stack, shop)
        here = page.url.removeprefix(stack.url)
        pages = {"list": "/webhooks/", "form": f"{here}change/", "secret": f"{here}secret/", "endpoint": here}
        for name, path in pages.items():
            page.goto(stack.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than the screen"
            picture(page, f"webhooks-{name}-{width}")
        delete_endpoint(page)


def picture(page, name):
    if folder := os.environ.get("TIDEWIRE_SCREENSHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=Path(folder) / f"{name}-{scheme}.png", full_page=True)
