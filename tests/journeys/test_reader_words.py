"""The page says how it is, in words: the connection, what is unread, what has happened, what cannot be had."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.reading import card, entry, name, scripted, until

APP = """
    navigator.setAppBadge = async (count) => { window.onApp = count };
    navigator.clearAppBadge = async () => { window.onApp = 0 };
"""


def test_trouble_of_a_moment_concerns_nobody_and_more_is_told(sea):
    with sea.apart("carol") as page:
        status = page.get_by_role("status")
        page.context.set_offline(True)
        expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
        expect(status).to_have_text("")
        expect(status).to_contain_text("You are offline; showing saved entries")
        expect(page.locator("[data-list] > article").first).to_be_visible()
        page.context.set_offline(False)
        expect(status).to_contain_text("Live again")
        expect(status).to_have_text("")


def test_a_page_that_catches_up_says_how_much_has_come(sea):
    with scripted(sea) as (page, server):
        server.send({"type": "reconnect", "after_ms": 60_000})
        expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
        page.clock.run_for(3100)
        expect(page.get_by_role("status")).to_contain_text("showing saved entries")
        server.head = "test-999"
        page.clock.run_for(60_000)
        expect(page.locator("#connection")).to_have_attribute("data-state", "catching up")
        server.events(*(entry(number) for number in range(12)))
        expect(page.get_by_role("status")).to_have_text("Catching up: 12 so far…")


def test_a_session_that_ends_elsewhere_is_told_with_the_way_back_in(sea):
    with sea.apart("bob", path="/feeds/alice/") as page:
        other = page.context.new_page()
        other.goto("/notifications/")
        other.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("status")).to_contain_text("You are signed out.")
        expect(page.get_by_role("link", name="Sign in").last).to_have_attribute(
            "href", "/accounts/login/?next=%2Ffeeds%2Falice%2F"
        )


def test_an_entry_that_goes_while_it_is_read_says_so(sea, alice):
    said = alice.publish(name())
    with sea.page(path=f"/entries/{said['id']}/") as page:
        alice.call("DELETE", f"entries/{said['id']}/")
        expect(page.get_by_role("status")).to_contain_text("This entry was deleted.")
        page.get_by_role("link", name="Go to the front page").click()
        expect(page).to_have_url(f"{sea.stack.url}/")


def test_a_right_that_ends_takes_what_it_showed(sea, alice):
    slug = name("inner").replace(" ", "-").lower()
    feed = alice.call("POST", "feeds/", slug=slug, title="Inner", visibility="followers")
    carol = sea.writer("carol")
    carol.call("PUT", f"feeds/{feed['id']}/follow/")
    me = carol.call("GET", "feeds/?slug=carol")["results"][0]["owner"]["id"]
    alice.call("PUT", f"feeds/{feed['id']}/requests/{me}/")
    text = name("Secret")
    alice.call("POST", f"feeds/{feed['id']}/entries/", text=text)
    with sea.page(path=f"/feeds/{slug}/") as page:
        expect(card(page, text)).to_have_count(1)
        alice.call("DELETE", f"feeds/{feed['id']}/followers/{me}/")
        expect(page.get_by_role("status")).to_contain_text("You may no longer read all of this page.")
        expect(card(page, text)).to_have_count(0)


def test_badge_title_and_app_agree_in_all_tabs_and_on_other_devices(sea, alice):
    said = alice.publish(name())
    context = sea.context("alice")
    context.add_init_script(APP)
    with sea.page("alice") as first, sea.page("alice", "/notifications/") as second, sea.apart("alice") as device:
        first.request.post("/api/v1/notifications/read/", data={}, headers=sea.writer("alice").headers)
        for page in (first, second, device):
            expect(page.locator("#badge")).to_be_hidden()
        sea.writer("bob").call("PUT", f"entries/{said['id']}/like/")
        for page in (first, second, device):
            expect(page.locator("#unread")).to_have_text("1")
            expect(page).to_have_title(re.compile(r"^\(1\) "))
        assert first.evaluate("window.onApp") == second.evaluate("window.onApp") == 1
        second.get_by_role("button", name="Mark all as read").click()
        for page in (first, second, device):
            expect(page.locator("#badge")).to_be_hidden()
            expect(page).not_to_have_title(re.compile(r"^\("))
        until(first, "window.onApp === 0")


def notice(number):
    told = {
        "id": 10**9 + number,
        "text": f"Somebody liked entry {number}",
        "subject": {"type": "entry", "id": "1", "url": "/entries/1/"},
        "created_at": "2026-11-23T10:00:00Z",
        "read_at": None,
        "version": 1,
    }
    data = {"notification": told, "unread_count": number, "version": 10**9 + number}
    return {"id": str(number), "type": "notifications.notification.created", "topic": "users.1", "data": data}


def test_a_note_says_what_has_happened_and_in_a_storm_many_are_one(sea):
    with scripted(sea) as (page, server):
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        server.events(notice(1))
        expect(page.locator(".toast")).to_have_text(re.compile("Somebody liked entry 1"))
        expect(page.locator(".toast a")).to_have_attribute("href", "/entries/1/")
        server.events(*(notice(number) for number in range(2, 40)))
        expect(page.locator(".toast")).to_have_count(1)
        expect(page.locator(".toast")).to_contain_text("33 more notifications at once")
        page.get_by_role("button", name="Close").click()
        expect(page.locator(".toast")).to_have_count(0)


def test_what_comes_in_is_said_once_in_a_while_by_a_region_of_its_own(sea):
    with scripted(sea) as (page, server):
        announcer = page.locator("#announcer")
        expect(announcer).to_have_attribute("aria-live", "polite")
        server.events(entry(1))
        expect(card(page, "Storm 1")).to_have_count(1)
        page.clock.run_for(3000)
        server.events(entry(2), entry(3))
        expect(card(page, "Storm 3")).to_have_count(1)
        expect(announcer).to_have_text("")
        page.clock.run_for(2500)
        expect(announcer).to_have_text("3 new entries")
        assert page.locator("[role=feed] [aria-live], [role=feed][aria-live]").count() == 0


def test_times_tick_in_words_and_are_whole_on_hover(sea):
    with scripted(sea) as (page, server):
        now = page.evaluate("new Date().toISOString()")
        server.events(entry(1, created_at=now))
        time = card(page, "Storm 1").locator("time")
        expect(time).to_have_text("just now")
        page.clock.run_for(130_000)
        expect(time).to_have_text("2 minutes ago")
        expect(time).to_have_attribute("title", re.compile(r"20\d\d.*\d:\d\d:\d\d"))


@pytest.mark.parametrize("path", ["/entries/999999/", "/feeds/nobody/", "/nothing/"])
def test_what_is_not_there_is_said_and_leads_on(sea, path):
    with sea.complaining("Failed to load resource"), sea.page(path=path, is_live=False) as page:
        expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
        expect(page.get_by_role("link", name="Go to the front page")).to_be_visible()


def test_what_people_say_who_were_blocked_before_does_not_come_in(sea, alice):
    said, words = alice.publish(name()), [name(), name()]
    bob, carol = sea.writer("bob"), sea.writer("carol")
    who = carol.feed("carol")["owner"]["id"]
    bob.call("PUT", f"access/blocks/{who}/")
    try:
        with sea.apart("bob", path=f"/entries/{said['id']}/") as page:
            carol.call("POST", f"entries/{said['id']}/comments/", text=words[0])
            alice.call("POST", f"entries/{said['id']}/comments/", text=words[1])
            expect(page.get_by_text(words[1])).to_be_visible()
            expect(page.get_by_text(words[0])).to_have_count(0)
    finally:
        bob.call("DELETE", f"access/blocks/{who}/")
