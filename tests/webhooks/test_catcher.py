import socket
import threading
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from webhooks.catcher import Answer, Catcher


@pytest.fixture
def catcher():
    """A catcher of at most 100 bytes whose answers can be chosen."""
    got = []

    def answer(request):
        got.append(request)
        return catcher.answer

    catcher = Catcher(answer, max_body_bytes=100)
    catcher.got, catcher.answer = got, Answer()
    yield catcher
    catcher.close()


def say(catcher, request):
    """Return all that comes back for some bytes, until the other side closes."""
    with closing(socket.create_connection(("127.0.0.1", urlsplit(catcher.url).port), 10)) as opened:
        opened.sendall(request)
        opened.shutdown(socket.SHUT_WR)
        answer = b""
        while more := opened.recv(65536):
            answer += more
        return answer


POST = b"POST /a?b HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nContent-Length: 2\r\n\r\nhi"


def test_a_request_is_kept_as_it_came(catcher):
    assert say(catcher, POST).startswith(b"HTTP/1.1 204 ")
    [request] = catcher.got
    assert (request.method, request.path, request.body) == ("POST", "/a?b", b"hi")
    assert (request.header("x-one"), request.header("X-ONE"), request.header("x-two")) == ("1", "1", "")


def test_a_connection_takes_several_requests(catcher):
    assert say(catcher, POST * 3).count(b"HTTP/1.1 204 ") == 3
    assert [request.body for request in catcher.got] == [b"hi"] * 3


def test_the_answer_is_the_one_that_was_chosen_in_its_own_framing(catcher):
    headers = {"Retry-After": "7", "Content-Length": "9999", "Connection": "upgrade", "Transfer-Encoding": "x"}
    catcher.answer = Answer(503, headers, b"no")
    answer = say(catcher, POST)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert (body, b"Retry-After: 7" in head, b"Content-Length: 2" in head) == (b"no", True, True)
    assert b"9999" not in head and b"upgrade" not in head and b"Transfer" not in head


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"Content-Length: 101\r\n", 413),
        (b"Content-Length: 99999999999999999999999\r\n", 413),
        (b"Content-Length: -1\r\n", 411),
        (b"Content-Length: x\r\n", 411),
        (b"", 411),
        (b"Transfer-Encoding: chunked\r\n", 411),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 411),
    ],
)
def test_a_body_that_is_too_large_or_of_no_known_length_is_refused_unread(catcher, fields, status):
    answer = say(catcher, b"POST / HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + POST)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1 ") == 1
    assert catcher.got == []


def test_a_body_that_breaks_off_is_no_request(catcher):
    assert say(catcher, POST[:-1]) == b""
    assert catcher.got == []


def test_nothing_listens_after_the_end_and_no_thread_is_left():
    before = threading.active_count()
    catcher = Catcher(lambda request: Answer())
    port = urlsplit(catcher.url).port
    catcher.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)
    assert threading.active_count() == before


def test_a_taken_port_is_an_error(catcher):
    with pytest.raises(OSError, match="in use"):
        Catcher(lambda request: Answer(), port=urlsplit(catcher.url).port)
