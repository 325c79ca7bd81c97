import json

import pytest

from events.cursor import Cursor
from events.encoding import Envelope
from events.live import frames
from events.live.batch import Batch
from events.live.frames import Refused


def refusal(call, *args):
    with pytest.raises(Refused) as caught:
        call(*args)
    return caught.value


@pytest.mark.parametrize("text", [None, "", "{", "[]", "1", '{"type":1}', "{}", "[" * 60_000])
def test_what_is_not_a_frame_is_refused(text):
    assert refusal(frames.decode, text).code in ("invalid", "too_large")


def test_an_oversized_frame_is_too_large(settings):
    text = json.dumps({"type": "ping", "pad": "x" * settings.TIDEWIRE_FRAME_MAX_BYTES})
    assert refusal(frames.decode, text).code == "too_large"


@pytest.mark.parametrize("id", [None, "", "x" * 65, "\ud83d", 1.5, True, [], {}, 2**60])
def test_an_id_is_a_number_or_a_short_string(id):
    assert refusal(frames.id_of, {"id": id}).code == "invalid"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("topics", []),
        ("topics", "feeds.1"),
        ("topics", [1]),
        ("topics", ["has space"]),
        ("topics", ["x" * 90]),
        ("topics", ["a..b"]),
        ("after", "nonsense"),
        ("after", 5),
        ("after", "abcd-99999999999999999999"),
        ("types", ["a.*.b"]),
        ("types", "a.b"),
        ("surprise", 1),
    ],
)
def test_a_bad_field_of_a_subscription_is_refused_with_its_id(field, value):
    frame = {"type": "subscribe", "id": "s", "topics": ["feeds.1"], field: value}
    refused = refusal(frames.subscribe, frame)
    assert (refused.code, refused.id) == ("invalid", "s")


def test_too_many_topics_are_refused(settings):
    settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS = 2
    frame = {"type": "subscribe", "id": 1, "topics": ["a.1", "a.2", "a.3"]}
    assert refusal(frames.subscribe, frame).code == "too_many"


def test_a_subscription_is_read():
    frame = {"type": "subscribe", "id": 1, "topics": ["home", "me"], "after": "k3x9-12", "types": ["feeds.*"]}
    asked = frames.subscribe(frame)
    assert (asked.names, asked.after, asked.types) == (["home", "me"], Cursor("k3x9", 12), ["feeds.*"])


def test_events_are_framed_as_they_were_encoded():
    events = [Envelope(1, "t", "t.x.y", '{"n":1}'), Envelope(2, "t", "t.x.y", '{"n":2}')]
    message = frames.events_form('a"b').render(Batch(0, events, Cursor("k3x9", 2)))
    frame = json.loads(message["text"])
    assert frame == {"type": "events", "id": 'a"b', "events": [{"n": 1}, {"n": 2}], "cursor": "k3x9-2"}
