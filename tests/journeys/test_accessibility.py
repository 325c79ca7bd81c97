"""Every page in its states, light and dark, as those see it who cannot: axe finds nothing to say."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from script.development import gallery

SCHEMES = ("light", "dark")
RULES = {"resultTypes": ["violations"]}
# Of the admin what is ours is checked: what Django draws is Django's.
SHOWN = {shown.name: shown for shown in gallery.PAGES if not shown.name.startswith("admin")}
ERRORS = ("403", "404", "500")


@pytest.fixture(scope="module")
def visitor(stack, chromium):
    visitor = gallery.Visitor(chromium, gallery.set_scene(stack), reduced_motion="reduce")
    yield visitor
    visitor.close()


def found(page):
    """Return what axe has against a page, a line for each element."""
    violations = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {node['html'][:150]}" for each in violations for node in each["nodes"]]


def check(visitor, shown):
    page = visitor.page(shown.who)
    try:
        visitor.open(page, shown)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert found(page) == [], f"{shown.name}, {scheme}"
    finally:
        page.close()


@pytest.mark.parametrize("name", SHOWN)
def test_axe_finds_nothing(visitor, name):
    check(visitor, SHOWN[name])


@pytest.mark.parametrize("status", ERRORS)
def test_axe_finds_nothing_on_a_page_of_an_error(visitor, status):
    check(visitor, gallery.error(status))


def test_axe_would_find_something(visitor):
    page = visitor.page(gallery.NOBODY)
    page.goto(visitor.scene.url)
    page.evaluate("document.querySelector('main').append(new Image())")
    assert [line.split(":")[0] for line in found(page)] == ["image-alt"]
    page.close()
