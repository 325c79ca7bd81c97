from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from webhooks import schedule, verdict
from webhooks.transport import Response

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GONE = "The receiver answered 410 Gone."
ASKED = "The receiver asked for it (webhook-delivery: disable)."


def judge(status, tries=1, error="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return verdict.of(Response(status, named, error=error), tries, NOW)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_succeeds_and_says_nothing(status):
    said = judge(status)
    assert (said.status, said.reason, said.delay_seconds, said.slow_seconds) == ("succeeded", "", None, None)


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (500, "", "The receiver answered 500."),
        (404, "", "The receiver answered 404."),
        (307, "", "The receiver answered 307; redirects are not followed."),
        (None, "The connection broke.", "The connection broke."),
    ],
)
def test_a_failure_says_why_and_is_tried_again_after_its_delay(status, error, reason):
    said = judge(status, error=error)
    assert (said.status, said.reason) == ("pending", reason)
    assert 4 <= said.delay_seconds <= 6
    assert said.slow_seconds is None


def test_after_the_last_try_there_is_no_other():
    tries = len(schedule.DELAYS) + 1
    said = judge(503, tries)
    assert (said.status, said.delay_seconds) == ("exhausted", None)
    assert said.reason == f"The receiver answered 503. It was the last of {tries} tries."
    assert said.slow_seconds == 5


# -- Retry-After -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tries", "wanted", "shortest", "longest"),
    [
        (1, 60, 60, 60),
        (1, 1, 4, 6),
        (1, 86_400, 3600, 3600),
        (5, 20_000, 20_000, 20_000),
        (5, 999_999_999, 2 * 14_400, 2 * 21_600),
    ],
    ids=["as asked", "not before its delay", "an hour at most", "longer after a long delay", "twice its delay at most"],
)
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured_within_bounds(tries, wanted, shortest, longest, form):
    if form == "date" and wanted > 999_999:
        wanted = 999_999
    text = str(wanted) if form == "seconds" else format_datetime(NOW + timedelta(seconds=wanted), usegmt=True)
    assert shortest <= judge(500, tries, retry_after=text).delay_seconds <= longest


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "٣", "Mon, 99 Nov 2026 12:00:00 GMT", "0", "\x00"])
def test_a_retry_after_that_asks_for_nothing_changes_nothing(text):
    assert 4 <= judge(500, retry_after=text).delay_seconds <= 6


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_receiver_with_too_much_to_do_is_left_in_peace_for_a_while(status):
    assert judge(status).slow_seconds == 5
    assert judge(status, retry_after="120").slow_seconds == 120
    assert judge(status, tries=9, retry_after="999999").slow_seconds == 3600


# -- What a receiver may say -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "reason"),
    [
        (410, {}, "failed", GONE),
        (500, {"webhook_delivery": "disable"}, "failed", ASKED),
        (500, {"webhook_delivery": " Disable "}, "failed", ASKED),
        (204, {"webhook_delivery": "disable"}, "succeeded", ASKED),
    ],
)
def test_a_receiver_may_switch_its_endpoint_off(status, headers, outcome, reason):
    said = judge(status, **headers)
    assert (said.status, said.disables, said.delay_seconds) == (outcome, reason, None)


def test_a_receiver_may_end_one_delivery():
    said = judge(422, webhook_delivery="abort-message")
    assert (said.status, said.delay_seconds, said.disables) == ("failed", None, "")
    assert said.reason == (
        "The receiver answered 422. The receiver asked for no other try (webhook-delivery: abort-message)."
    )
    assert judge(204, webhook_delivery="abort-message").status == "succeeded"


def test_another_word_means_nothing():
    assert judge(500, webhook_delivery="later").status == "pending"
