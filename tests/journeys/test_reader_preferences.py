"""Somebody chooses how they are told things, with scripts and without."""

import pytest
from playwright.sync_api import expect

PATH = "notifications/preferences/"


@pytest.fixture
def told_by_mail(alice):
    """alice is told of likes by e-mail; afterwards all is as it was before."""
    before = alice.call("GET", PATH)
    alice.call("PUT", PATH, **before | {"kinds": {"like": {"email": True}}})
    yield
    alice.call("PUT", PATH, **before)


@pytest.mark.parametrize("has_scripts", [True, False])
def test_alice_wants_no_more_e_mail_of_likes(sea, alice, told_by_mail, has_scripts):
    with sea.apart("alice", "/notifications/", is_live=False, java_script_enabled=has_scripts) as page:
        page.get_by_role("link", name="Preferences").click()
        box = page.get_by_role("checkbox", name="Likes of your entries: E-mail")
        expect(box).to_be_checked()
        box.uncheck()
        page.get_by_label("Quiet from").fill("22:00")
        with sea.complaining("400"):
            page.get_by_role("button", name="Save").click()
            expect(page.locator(".errorlist").last).to_contain_text("Say when they end, too")
        expect(box).not_to_be_checked()
        page.get_by_label("Quiet to").fill("07:00")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_have_text("Saved.")
        page.reload()
        expect(box).not_to_be_checked()
        expect(page.get_by_role("checkbox", name="Likes of your entries: Inbox")).to_be_checked()
    found = alice.call("GET", PATH)
    assert found["kinds"]["like"] == {"in_app": True, "email": False, "web_push": False}
    assert found["quiet_hours"] == {"from": "22:00", "to": "07:00"}
