"""Pages for everyone: without scripts, small, large, dark, from right to left, in German; and none of them heavy."""

import gzip
import re
from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import sign_up
from tests.journeys.reading import card, name

PAGES = [
    "/",
    "/feeds/alice/",
    "/entries/1/",
    "/search/?q=a",
    "/notifications/",
    "/notifications/preferences/",
    "/accounts/login/",
    "/accounts/signup/",
]


@pytest.fixture
def plain(sea):
    with sea.apart("carol", is_live=False, java_script_enabled=False) as page:
        yield page


def test_all_that_readers_do_works_without_scripts(sea, plain, alice):
    said = alice.publish(name("Plain"))
    plain.reload()
    here = card(plain, said["text"])
    here.locator("button.like").click()
    expect(here.locator("[data-count=like_count]")).to_have_text("1")

    here.locator(".comment-way").click()
    plain.get_by_label("Your comment").fill("Said plainly")
    plain.get_by_role("button", name="Comment", exact=True).click()
    mine = card(plain, "Said plainly")
    mine.get_by_text("Answer", exact=True).first.click()
    mine.get_by_label("Your answer").fill("And answered")
    mine.get_by_role("button", name="Answer").click()
    expect(card(plain, "And answered").locator(".answers")).to_be_visible()
    mine.get_by_role("link", name="Edit").click()
    plain.get_by_label("Text").fill("Said better")
    plain.get_by_role("button", name="Save").click()
    expect(card(plain, "Said better").locator(".edited")).to_be_visible()
    card(plain, "Said better").get_by_text("Delete", exact=True).click()
    plain.get_by_role("button", name="Yes, delete this comment").first.click()
    expect(card(plain, "Said better")).to_have_count(0)

    plain.goto("/")
    here.locator("details.more summary").first.click()
    here.get_by_role("link", name="Report it").click()
    plain.get_by_label("It is spam").check()
    plain.get_by_role("button", name="Send the report").click()
    expect(plain.get_by_role("status").first).to_have_text("Thank you. The moderators will look at it.")
    here.locator("details.more summary").first.click()
    here.get_by_role("button", name="Hide it from my lists").click()
    expect(here).to_have_count(0)


def test_publishing_following_muting_and_blocking_work_without_scripts(plain):
    text = name("Plain")
    plain.get_by_label("New entry").fill(text)
    plain.get_by_role("button", name="Publish").click()
    expect(card(plain, text)).to_have_count(1)
    plain.goto("/feeds/bob/")
    for verb, said in (
        ("Mute", "is muted"),
        ("Unmute", "is not muted"),
        ("Block", "is blocked"),
        ("Unblock", "is not"),
    ):
        plain.get_by_text("To see less").click()
        plain.get_by_role("button", name=re.compile(f"^{verb} bob")).click()
        expect(plain.locator(".told")).to_contain_text(said)
    plain.get_by_role("button", name="Follow", exact=True).click()
    plain.get_by_role("button", name=re.compile("^Following")).click()
    expect(plain.get_by_role("button", name="Follow", exact=True)).to_be_visible()


BESIDE = """
card => {
    const [time, head] = [".when time", ".author"].map((part) => card.querySelector(part).getBoundingClientRect());
    return time.right <= head.left || time.left >= head.right || time.top >= head.bottom;
}
"""


@pytest.mark.parametrize("width", [320, 800, 1280])
def test_the_whole_date_that_stands_there_without_scripts_is_in_nobody_s_way(plain, alice, width):
    said = alice.publish(name("Dated"))
    plain.set_viewport_size({"width": width, "height": 720})
    for path in ("/", f"/entries/{said['id']}/"):
        plain.goto(path)
        expect(card(plain, said["text"]).locator(".when")).to_contain_text("UTC")
        assert card(plain, said["text"]).evaluate(BESIDE)


def test_the_ways_of_the_head_stand_in_one_line_on_a_telephone(sea):
    with sea.page(width=390) as page:
        page.evaluate(
            "document.getElementById('badge').hidden = false; document.getElementById('unread').textContent = 12"
        )
        ways = page.locator(".ways a:visible")
        assert ways.count() == 4
        assert len(set(ways.evaluate_all("all => all.map((way) => Math.round(way.getBoundingClientRect().top))"))) == 1


@pytest.mark.parametrize("width", [320, 640])
@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_the_narrowest_screen_and_twice_the_size(sea, path, width):
    # Twice the size of a screen of 1280 is one of 640.
    with sea.page(path=path, is_live=False, width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pages_turn_round_for_those_who_read_from_right_to_left(sea):
    with sea.page(width=390) as page:
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        first = page.locator(".entry").first
        wire = first.evaluate(
            "card => card.getBoundingClientRect().right - card.querySelector('.author').getBoundingClientRect().right"
        )
        assert 0 < wire < 40


@pytest.mark.parametrize(
    "media",
    [{"color_scheme": "dark"}, {"forced_colors": "active"}, {"reduced_motion": "reduce"}, {"contrast": "more"}],
    ids=str,
)
def test_a_reader_s_own_wishes_are_kept(sea, media, alice):
    with sea.page() as page:
        page.emulate_media(**media)
        text = name()
        alice.publish(text)
        here = card(page, text)
        expect(here).to_be_visible()
        styles = page.evaluate(
            "() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor] }"
        )
        assert styles[0] != styles[1]
        if "reduced_motion" in media:
            assert here.evaluate("card => getComputedStyle(card).animationName") == "none"
        if "color_scheme" in media:
            assert styles[1] == "rgb(10, 22, 26)"


def test_a_german_browser_is_spoken_to_in_german_and_scripts_are_too(sea, alice):
    with sea.apart("", locale="de-DE") as page:
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.get_by_role("link", name="Anmelden")).to_be_visible()
        page.evaluate("scrollTo(0, 900)")
        alice.publish(name())
        expect(page.locator("#pill")).to_have_text("1 neuer Beitrag")


def test_names_and_texts_of_either_direction_keep_to_themselves(sea, alice):
    said = alice.publish("\u202e" + name("Turned") + " \u05e9\u05dc\u05d5\u05dd")
    with sea.page(path=f"/entries/{said['id']}/") as page:
        expect(page.locator(".single .author bdi").first).to_have_text("alice")
        assert (
            page.locator(".single .entry-text").first.evaluate("text => getComputedStyle(text).unicodeBidi")
            == "plaintext"
        )


@pytest.mark.parametrize("path", ["/", "/entries/1/", "/notifications/"])
def test_all_scripts_of_a_page_weigh_at_most_thirty_kilobytes(sea, path):
    with sea.apart("carol", is_live=False) as page:
        scripts = set()
        page.on("request", lambda request: scripts.add(request.url) if request.url.endswith(".js") else None)
        page.goto(path, wait_until="networkidle")
        # In German there is one more.
        scripts.add(urljoin(sea.stack.url, "/static/tidewire/words/de.js"))
        assert len(scripts) > 15
        assert sum(len(gzip.compress(sea.request.get(url).body(), 9)) for url in scripts) <= 30_000


def test_an_app_and_search_engines_find_what_they_need(sea):
    with sea.page(is_live=False) as page:
        manifest = sea.request.get(urljoin(sea.stack.url, page.locator("link[rel=manifest]").get_attribute("href")))
        assert sea.request.get(manifest.json()["icons"][0]["src"]).ok
        assert page.locator("meta[property='og:title']").get_attribute("content") == "Tidewire"
        image = page.locator("meta[property='og:image']").get_attribute("content")
        assert sea.request.get(image).headers["content-type"] == "image/png"


def test_a_newcomer_sees_the_first_event_arrive_by_every_way(sea):
    who = name("new").replace(" ", "-")
    with sea.apart("", path="/accounts/signup/", is_live=False) as page:
        sign_up(page, who)
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        page.get_by_role("button", name="Publish a first status").click()
        for way in ("socket", "stream", "notification"):
            expect(page.locator(f"#out-{way} .state")).to_contain_text("arrived after")
            expect(page.locator(f"#way-{way}")).to_have_class("is-lit")
        expect(page.locator("#out-webhook").get_by_role("link", name="Name one")).to_be_visible()
        expect(card(page, f"Hello, this is {who}.")).to_have_count(1)
        expect(page.locator("#unread")).to_have_text("1")


def test_the_newcomer_s_button_works_without_scripts(sea):
    who = name("new").replace(" ", "-")
    with sea.apart("", path="/accounts/signup/", is_live=False, java_script_enabled=False) as page:
        sign_up(page, who)
        page.get_by_role("button", name="Publish a first status").click()
        expect(card(page, f"Hello, this is {who}.")).to_have_count(1)
        expect(page.get_by_role("heading", name="One event, every way out")).to_have_count(0)
