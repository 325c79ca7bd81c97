import socket
import threading

import pytest

from webhooks import hosts


def refusal(host="hooks.example", **options):
    return hosts.refusal(host, **{"allow_private": False} | options)


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        ("8.8.8.8", None),
        ("8.8.8.8 2001:4860:4860::8888", None),
        ("10.0.0.7", "a private address"),
        ("127.0.0.1", "a loopback address"),
        ("169.254.169.254", "a cloud's metadata address"),
        ("8.8.8.8 10.0.0.7", "a private address"),
        ("64:ff9b::a9fe:a9fe", "an IPv4 address in disguise"),
        ("fe80::1%eth0", "an address with a zone"),
    ],
)
def test_a_name_is_refused_when_any_of_its_addresses_is(names, addresses, reason):
    names["hooks.example"] = addresses
    said = refusal()
    assert said is None if reason is None else said.startswith(f"The host name leads to {reason}")


def test_the_reason_names_no_address_of_ours(names):
    names["hooks.example"] = "10.0.0.7"
    assert "10.0.0.7" not in refusal()


def test_what_is_opened_may_be_led_to(names):
    names["hooks.example"] = "10.0.0.7"
    assert refusal(allow_private=True) is None


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_a_name_that_has_no_address_is_refused(names, number):
    names["hooks.example"] = socket.gaierror(number, "unknown")
    assert refusal() == "The host name hooks.example is not known: no address belongs to it."


def test_behind_a_proxy_a_name_need_not_be_known_and_still_must_not_lead_inside(names):
    names["hooks.example"] = socket.gaierror(socket.EAI_NONAME, "unknown")
    assert refusal(must_be_known=False) is None
    names["hooks.example"] = "10.0.0.7"
    assert refusal(must_be_known=False)


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_AGAIN, "later"), socket.gaierror(socket.EAI_FAIL, "no")])
def test_a_name_server_that_cannot_say_refuses_nothing(names, error):
    names["hooks.example"] = error
    assert refusal() is None


@pytest.mark.parametrize("host", ["10.0.0.7", "::1", "8.8.8.8"])
def test_an_address_is_nobodys_name(names, host):
    names[host] = AssertionError("nobody is asked")
    assert refusal(host) is None


@pytest.fixture
def hanging(monkeypatch):
    """A name server that answers with a private address, once it is let go."""
    asked, answer, answered = threading.Semaphore(0), threading.Event(), threading.Semaphore(0)

    def ask(*_, **__):
        asked.release()
        answer.wait(10)
        answered.release()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 0))]

    monkeypatch.setattr(hosts, "resolver", ask)
    monkeypatch.setattr(hosts, "_places", threading.BoundedSemaphore(hosts.LOOK_UPS))
    yield asked
    answer.set()


def test_an_answer_that_does_not_come_in_time_refuses_nothing(hanging):
    assert refusal(deadline_seconds=0.01) is None


def test_look_ups_that_hang_take_only_so_many_threads(hanging):
    for _ in range(hosts.LOOK_UPS + 3):
        assert refusal(deadline_seconds=0.01) is None
    assert all(hanging.acquire(timeout=10) for _ in range(hosts.LOOK_UPS))
    assert not hanging.acquire(blocking=False)


def test_a_place_is_given_back_however_the_look_up_ends(names):
    for answer in [socket.gaierror(socket.EAI_NONAME, "unknown"), "8.8.8.8"] * hosts.LOOK_UPS:
        names["hooks.example"] = answer
        refusal()
    names["hooks.example"] = "10.0.0.7"
    assert refusal()
