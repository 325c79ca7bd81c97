"""What a reader does is shown at once; what the server does not take is taken back, with a word why."""

import json

import pytest
from playwright.sync_api import expect

from tests.journeys.reading import card, name

REFUSED = ("Failed to load resource",)


@pytest.fixture
def said(alice):
    return alice.publish(name("Doing"))


def refuse(page, path, status=403):
    answer = json.dumps({"detail": "A block stands between you and this user."})
    page.route(path, lambda route: route.fulfill(status=status, body=answer, content_type="application/problem+json"))


def test_a_like_is_shown_before_the_server_has_answered(sea, said):
    with sea.page() as page:
        held = []
        page.route("**/like/", lambda route: held.append(route))
        button = card(page, said["text"]).locator("button.like")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(button.locator(".number")).to_have_text("1")
        assert len(held) == 1
        held[0].continue_()
        page.unroute("**/like/")
        expect(card(page, said["text"]).locator("form[aria-busy=true]")).to_have_count(0)
        button.click()
        expect(button.locator(".number")).to_have_text("0")


def test_a_refused_like_is_taken_back_and_says_why(sea, said):
    with sea.page() as page, sea.complaining(*REFUSED):
        refuse(page, "**/like/")
        here = card(page, said["text"])
        here.locator("button.like").click()
        expect(here.get_by_role("alert")).to_have_text("A block stands between you and this user.")
        expect(here.locator("button.like")).to_have_attribute("aria-pressed", "false")
        expect(here.locator("[data-count=like_count]")).to_have_text("0")


def test_a_double_click_and_two_tabs_make_one_like(sea, said, alice):
    with sea.page() as first, sea.page() as second:
        for page in (first, second):
            card(page, said["text"]).locator("button.like").dispatch_event("click")
        for page in (first, second):
            expect(card(page, said["text"]).locator("button.like")).to_have_attribute("aria-pressed", "true")
            expect(card(page, said["text"]).locator("[data-count=like_count]")).to_have_text("1")
            # What is shown at once is still on its way until then, and a click meanwhile means nothing.
            expect(card(page, said["text"]).locator("form[aria-busy=true]")).to_have_count(0)
        with first.expect_response("**/like/"):
            card(first, said["text"]).locator("button.like").dblclick()
        expect(card(first, said["text"]).locator("form[aria-busy=true]")).to_have_count(0)
        expect(card(first, said["text"]).locator("[data-count=like_count]")).to_have_text("0")
        assert alice.call("GET", f"entries/{said['id']}/")["like_count"] == 0


def test_a_slow_double_click_is_one_like_though_the_first_click_is_answered_before_the_second(sea, said, alice):
    with sea.page() as page:
        here = card(page, said["text"])
        here.locator("button.like").hover()
        with page.expect_response("**/like/"):
            page.mouse.down(click_count=1)
            page.mouse.up(click_count=1)
        expect(here.locator("form[aria-busy=true]")).to_have_count(0)
        page.mouse.down(click_count=2)
        page.mouse.up(click_count=2)
        # A click of its own counts again: then two requests have been sent, and not three.
        with page.expect_response("**/like/"):
            here.locator("button.like").click()
        expect(here.locator("form[aria-busy=true]")).to_have_count(0)
        expect(here.locator("[data-count=like_count]")).to_have_text("0")
        assert alice.call("GET", f"entries/{said['id']}/")["like_count"] == 0


def test_an_entry_stands_there_while_it_is_sent_and_its_echo_is_not_a_second_one(sea):
    with sea.page() as page:
        held, text = [], name("Mine")
        page.route("**/entries/", lambda route: held.append(route))
        page.get_by_label("New entry").fill(text)
        page.get_by_role("button", name="Publish").click()
        expect(card(page, text)).to_have_class("entry is-sending")
        answer = held[0].fetch()
        # The event is here before the answer is.
        expect(card(page, text)).to_have_class("entry")
        held[0].fulfill(response=answer)
        expect(page.get_by_label("New entry")).to_have_value("")
        expect(card(page, text)).to_have_count(1)
        expect(card(page, text)).to_have_attribute("id", f"entry-{answer.json()['id']}")
        card(page, text).locator("button.like").click()
        expect(card(page, text).locator("[data-count=like_count]")).to_have_text("1")


def test_a_refused_comment_goes_and_its_text_is_in_the_field_again(sea, said):
    with sea.page(path=f"/entries/{said['id']}/") as page, sea.complaining(*REFUSED):
        refuse(page, "**/comments/")
        page.get_by_label("Your comment").fill("Not wanted")
        page.get_by_role("button", name="Comment", exact=True).click()
        expect(page.locator("#comments").get_by_role("alert").last).to_have_text(
            "A block stands between you and this user."
        )
        expect(page.get_by_label("Your comment")).to_have_value("Not wanted")
        expect(card(page, "Not wanted")).to_have_count(0)
        page.unroute("**/comments/")
        page.get_by_role("button", name="Comment", exact=True).click()
        expect(card(page, "Not wanted")).to_have_count(1)


def test_what_is_gone_is_told_in_words_of_ours_and_an_empty_list_says_again_that_it_is_empty(sea, alice):
    gone = alice.publish(name("Gone"))
    with sea.page(path=f"/entries/{gone['id']}/") as page, sea.complaining(*REFUSED):
        nothing = page.get_by_text("No comments yet.")
        expect(nothing).to_be_visible()
        alice.call("DELETE", f"entries/{gone['id']}/")
        expect(page.locator("#connection")).to_contain_text("This entry was deleted.")
        page.get_by_label("Your comment").fill("Too late")
        page.get_by_role("button", name="Comment", exact=True).click()
        expect(page.locator(".errorlist")).to_have_text("This is not there any more, or you may no longer read it.")
        expect(page.get_by_label("Your comment")).to_have_value("Too late")
        expect(nothing).to_be_visible()


def test_the_last_comment_that_goes_leaves_a_word_and_the_next_one_takes_it_away(sea, said, alice):
    comment = alice.call("POST", f"entries/{said['id']}/comments/", text="The only one")
    with sea.page(path=f"/entries/{said['id']}/") as page:
        nothing = page.locator("[data-empty]")
        expect(card(page, "The only one")).to_have_count(1)
        expect(nothing).to_be_hidden()
        alice.call("DELETE", f"comments/{comment['id']}/")
        expect(nothing).to_be_visible()
        alice.call("POST", f"entries/{said['id']}/comments/", text="Another")
        expect(nothing).to_be_hidden()


def test_an_answer_stands_below_and_says_so(sea, said, alice):
    comment = alice.call("POST", f"entries/{said['id']}/comments/", text="Who knows?")
    with sea.page(path=f"/entries/{said['id']}/") as page:
        here = page.locator(f"#comment-{comment['id']}")
        here.get_by_text("Answer", exact=True).first.click()
        here.get_by_label("Your answer").fill("I do")
        here.get_by_role("button", name="Answer").click()
        answer = card(page, "I do").last
        expect(answer.locator(".answers")).to_have_attribute("href", f"#comment-{comment['id']}")
        expect(answer).not_to_have_class("is-sending")
        page.reload()
        expect(card(page, "I do").locator(".answers")).to_be_visible()


def test_a_follow_is_shown_at_once_on_every_page_and_taken_back_when_refused(sea):
    sea.writer("carol").call("DELETE", f"feeds/{sea.writer('bob').feed('bob')['id']}/follow/")
    with sea.page(path="/feeds/bob/") as page, sea.page(path="/feeds/bob/") as other:
        refuse(page, "**/follow/")
        with sea.complaining(*REFUSED):
            page.get_by_role("button", name="Follow", exact=True).click()
            expect(page.locator("#follow-trouble")).to_have_text("A block stands between you and this user.")
        expect(page.locator("[data-follow] button")).to_have_text("Follow")
        page.unroute("**/follow/")
        before = page.locator("#followers").inner_text()
        page.get_by_role("button", name="Follow", exact=True).click()
        for each in (page, other):
            expect(each.locator("[data-follow] button")).to_contain_text("Following")
            expect(each.locator("#followers")).not_to_have_text(before)
        page.locator("[data-follow] button").click()
        expect(other.locator("[data-follow] button")).to_have_text("Follow")


def test_what_is_hidden_goes_from_every_tab(sea, said):
    with sea.page() as page, sea.page() as other:
        here = card(page, said["text"])
        here.locator("details.more summary").first.click()
        here.get_by_role("button", name="Hide it").click()
        for each in (page, other):
            expect(card(each, said["text"])).to_have_count(0)


def test_who_follows_on_the_page_reads_from_then_on_what_followers_read(sea, alice):
    carol = sea.writer("carol")
    carol.call("DELETE", f"feeds/{alice.feed('alice')['id']}/follow/")
    with sea.page(path="/feeds/alice/") as page:
        for _ in range(2):
            page.get_by_role("button", name="Follow", exact=True).click()
            text = name("Few")
            expect(page.locator("[data-follow]")).to_have_attribute("aria-busy", "false")
            alice.publish(text, visibility="followers")
            expect(card(page, text)).to_have_count(1)
            page.locator("[data-follow] button").click()
            expect(card(page, text)).to_have_count(0)
    carol.call("PUT", f"feeds/{alice.feed('alice')['id']}/follow/")
