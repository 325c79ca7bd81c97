import gettext
import re

import pytest
from django.utils import translation

from notifications import texts
from notifications.models import Notification
from script.development import catalogues

PEOPLE = [{"id": id, "username": name} for id, name in enumerate(("ana", "ben", "cem"))]
PATH = catalogues.LOCALE / "de/LC_MESSAGES/django.po"


def say(language, kind, count, details=(), events=None):
    with translation.override(language):
        return texts.render(kind, PEOPLE[:count], count, events or count, dict(details))


@pytest.mark.parametrize(
    ("language", "one", "two", "many"),
    [
        ("en", "ana asks to follow T", "ana and ben ask to follow T", "ana and 4 others ask to follow T"),
        ("de", "ana möchte T folgen", "ana und ben möchten T folgen", "ana und 4 weitere Personen möchten T folgen"),
    ],
)
def test_who_did_it_is_said_in_the_readers_language(language, one, two, many):
    said = [say(language, "follow_request", count, {"feed": "T"}) for count in (1, 2, 5)]
    assert said == [one, two, many]


def test_one_other_is_one_person():
    people = PEOPLE[:1]
    with translation.override("en"):
        assert texts.render("like", people, 2, 2, {}) == "ana and 1 other liked your entry"


@pytest.mark.parametrize("kind", [kind for kind in Notification.Kind.values if kind != "notice"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_kind_has_a_sentence_of_its_own_in_each_language(kind, count):
    english, german = (say(language, kind, count, {"feed": "T"}) for language in ("en", "de"))
    assert english != german and "%" not in english + german


@pytest.mark.parametrize("about", ["endpoint_failing", "endpoint_disabled", "storm"])
def test_every_notice_has_one_too(about):
    details = {"about": about, "url": "https://example.com/", "reason": "gone"}
    english, german = (say(language, "notice", 0, details, events=3) for language in ("en", "de"))
    assert english != german


def test_what_people_wrote_is_a_value_and_never_a_form():
    assert say("en", "follow", 1, {"feed": "100 %(who)s %s"}) == "ana follows 100 %(who)s %s"


def test_what_was_written_in_several_languages_is_said_in_ones_own_or_in_english():
    written = {"text": {"en": "Hello", "de": "Hallo"}}
    assert [say(language, "notice", 0, written) for language in ("en", "de", "fr")] == ["Hello", "Hallo", "Hello"]


def test_a_long_text_is_cut_to_what_fits():
    assert len(say("en", "follow", 1, {"feed": "T" * 400})) == 300


def test_the_compiled_catalogue_is_that_of_the_texts():
    assert PATH.with_suffix(".mo").read_bytes() == catalogues.compiled(PATH.read_text("utf-8"))
    with PATH.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Somebody") == "Jemand"


def test_the_catalogue_is_complete_and_keeps_the_places_of_the_values():
    for text, said in catalogues.messages(PATH.read_text("utf-8")).items():
        assert all(said.split("\0")), text
        if text:
            places = [set(re.findall(r"%\(\w+\)[sd]", each)) for each in (text, said)]
            assert places[0] == places[1], text


def test_every_text_of_the_code_is_in_the_catalogue():
    source = (catalogues.LOCALE.parent / "notifications/texts.py").read_text()
    templates = (catalogues.LOCALE.parent / "templates/notifications").glob("*")
    wanted = set(re.findall(r'gettext\(\s*"([^"]+)"', source))
    for path in templates:
        wanted |= set(re.findall(r'{% translate "([^"]+)"', path.read_text()))
    known = {key.split("\0")[0] for key in catalogues.messages(PATH.read_text("utf-8"))}
    assert wanted and wanted <= known
