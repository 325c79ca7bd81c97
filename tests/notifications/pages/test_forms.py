import pytest
from django.utils import translation

from notifications import wishes
from notifications.models import Channel
from notifications.pages.forms import CHANNEL_WORDS, KIND_WORDS, WINDOW_WORDS, PreferencesForm, windows


def test_every_kind_that_may_be_chosen_and_every_channel_has_words():
    assert list(KIND_WORDS) == wishes.KINDS
    assert list(CHANNEL_WORDS) == list(Channel)


def test_the_boxes_of_a_row_are_those_of_its_kind(alice):
    form = PreferencesForm(wishes=wishes.of(alice))
    values = [[box.data["value"] for box in boxes] for _, boxes in form.rows()]
    assert values == [[f"{kind}.{channel}" for channel in Channel.values] for kind in wishes.KINDS]
    assert [str(name) for name in form.columns()] == ["Inbox", "E-mail", "Web push"]


def test_the_usual_windows_are_offered_in_order():
    assert [minutes for minutes, _ in windows(60)] == list(WINDOW_WORDS)


@pytest.mark.parametrize(("minutes", "said"), [(1, "jede Minute"), (90, "alle 90 Minuten")])
def test_a_window_that_was_chosen_by_the_api_is_offered_too(minutes, said):
    with translation.override("de"):
        assert dict(windows(minutes)) == WINDOW_WORDS | {minutes: said}
    assert [each for each, _ in windows(minutes)] == sorted([*WINDOW_WORDS, minutes])
