import pytest

from webhooks import headers


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": "Bearer abc=", "X-Api-Key": "k", "accept": "text/html"},
        {"x" * 100: "v" * 1000},
        {"!#$%&'*+.^_`|~-1": "~ !"},
        {f"x-{n}": "v" for n in range(20)},
    ],
)
def test_what_can_be_sent_along_passes(given):
    headers.check(given)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"": "v"}, "not a header's name"),
        ({"x y": "v"}, "not a header's name"),
        ({"x:": "v"}, "not a header's name"),
        ({"x\n": "v"}, "not a header's name"),
        ({"ü": "v"}, "not a header's name"),
        ({"x" * 101: "v"}, "not a header's name"),
        ({"x": ""}, "1 to 1000"),
        ({"x": " v"}, "only between"),
        ({"x": "v "}, "only between"),
        ({"x": "a\r\nb: c"}, "visible ASCII"),
        ({"x": "v\n"}, "visible ASCII"),
        ({"x": "a\tb"}, "visible ASCII"),
        ({"x": "a\x00b"}, "visible ASCII"),
        ({"x": "ü"}, "visible ASCII"),
        ({"x": "v" * 1001}, "1 to 1000"),
        ({"x": 5}, "a text"),
        ({"x": None}, "a text"),
        ({"x": ["v"]}, "a text"),
        ({"X-A": "1", "x-a": "2"}, "named twice"),
        ({f"x-{n}": "v" for n in range(21)}, "At most 20"),
        ({f"x-{n}": "v" * 1000 for n in range(8)}, "together"),
    ],
)
def test_what_cannot_be_sent_along_is_refused_with_the_reason(given, reason):
    with pytest.raises(ValueError, match=reason):
        headers.check(given)


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "content-length", "Content-Type", "CONTENT-ENCODING", "transfer-encoding", "connection", "te"),
        *(
            "trailer",
            "upgrade",
            "keep-alive",
            "expect",
            "date",
            "via",
            "forwarded",
            "user-agent",
            "cookie",
            "set-cookie",
        ),
        *("webhook-id", "Webhook-Signature", "tidewire-attempt", "proxy-authorization", "sec-fetch-mode"),
        *("x-forwarded-for", "X-Forwarded-Host", "x-real-ip", "origin", "referer", "accept-encoding"),
        *("access-control-allow-origin", "metadata-flavor", "Metadata", "x-aws-ec2-metadata-token"),
    ],
)
def test_what_frames_the_message_or_names_its_sender_is_not_the_subscribers(name):
    with pytest.raises(ValueError, match="not yours"):
        headers.check({name: "v"})


def test_what_is_shown_are_names_alone():
    assert headers.hide({"Authorization": "Bearer hush"}) == {"Authorization": "***"}


def test_hidden_values_are_replaced_by_the_stored_ones_whatever_their_case():
    merged = headers.merge({"AUTHORIZATION": "***", "x": "new"}, {"Authorization": "hush", "x": "old", "y": "gone"})
    assert merged == {"AUTHORIZATION": "hush", "x": "new"}


def test_a_hidden_value_that_nothing_stands_behind_is_refused():
    with pytest.raises(ValueError, match=r"x: .* there is none"):
        headers.merge({"x": "***"}, {"y": "v"})


def test_what_is_kept_counts_for_the_bound_too():
    stored = {f"x-{n}": "v" * 1000 for n in range(7)}
    with pytest.raises(ValueError, match="together"):
        headers.merge(headers.hide(stored) | {"y": "v" * 1000}, stored)
