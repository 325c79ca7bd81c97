import asyncio
import gzip
import socket
import ssl
import time
import tracemalloc
from contextlib import closing

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.webhooks.servers import OK, answers, drip, endpoint, post, transport
from webhooks.resolver import CheckedResolver
from webhooks.transport import Transport

pytestmark = pytest.mark.asyncio


async def test_the_answer_comes_back_with_its_status_headers_body_and_time():
    async with endpoint(b"HTTP/1.1 200 OK\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\nok") as server:
        response = await post(server.url)
    assert (response.status_code, response.body, response.error) == (200, "ok", "")
    assert response.headers == {"retry-after": "5", "content-length": "2"}
    assert 0 <= response.duration_ms < 5000


async def test_the_request_carries_exactly_the_given_bytes_and_says_who_sends_them():
    async with endpoint(OK) as server:
        url = server.url + "/%2e%7E/a%2Fb?x=%20|"
        await post(url, headers={"webhook-id": "1", "Content-Type": "application/json"}, body=b'{"a":\xff}')
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.lower().split(": ") for field in fields)
    assert line == "POST /hook/%2e%7E/a%2Fb?x=%20| HTTP/1.1"
    assert headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "tidewire-webhooks/1.0",
        "accept": "*/*",
        "accept-encoding": "identity",
        "webhook-id": "1",
        "content-type": "application/json",
        "content-length": "7",
    }
    assert body == b'{"a":\xff}'


@pytest.mark.parametrize("status", [204, 400, 410, 429, 500, 503])
async def test_any_status_is_an_answer_and_no_error(status):
    async def answer(request):
        return web.Response(status=status, text="" if status == 204 else "no")

    application = web.Application()
    application.router.add_post("/hook", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        response = await post(str(server.make_url("/hook")))
    assert (response.status_code, response.error) == (status, "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status):
    async with endpoint(OK) as hidden:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {hidden.url}\r\nContent-Length: 0\r\n\r\n"
        async with endpoint(head.encode()) as server:
            response = await post(server.url)
    assert response.status_code == status
    assert response.headers["location"] == hidden.url
    assert hidden.connections == 0


async def test_a_redirect_to_a_private_address_is_never_visited():
    async with endpoint(OK) as hidden:
        for location in (hidden.url, f"//127.0.0.1:{hidden.port}/", f"http://[::ffff:7f00:1]:{hidden.port}/"):
            head = (
                f"HTTP/1.1 307 Moved\r\nLocation: {location}\r\nRefresh: 0; url={location}\r\nContent-Length: 0\r\n\r\n"
            )
            async with endpoint(head.encode()) as server:
                assert (await post(server.url)).status_code == 307
    assert hidden.connections == 0


async def test_a_cookie_is_not_sent_back():
    sets_one = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    getaddrinfo = answers(["127.0.0.1"])
    async with endpoint(sets_one) as server, transport(getaddrinfo=getaddrinfo) as opened:
        for _ in range(2):
            await opened.post(f"http://shop.example:{server.port}/", headers={}, body=b"")
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


async def test_proxies_of_the_environment_are_not_used(monkeypatch):
    async with endpoint(OK) as proxy, endpoint(OK) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await post(server.url)).status_code == 200
    assert proxy.connections == 0


async def test_a_connection_is_kept_for_the_next_request():
    async with endpoint(OK) as server, transport() as opened:
        for _ in range(3):
            assert (await opened.post(server.url, headers={}, body=b"{}")).status_code == 200
        assert server.connections == 1


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["status line", "header", "body", "body without length"],
)
async def test_slow_drips_meet_the_total_deadline(head):
    async def answer(writer):
        if not head:
            await asyncio.sleep(30)
        await drip(writer, head)

    started = time.monotonic()
    async with endpoint(answer) as server:
        response = await post(server.url, total_seconds=0.5)
    assert time.monotonic() - started < 1.5
    assert response.status_code is None
    assert response.error == "The endpoint did not finish its answer in time."
    assert 450 <= response.duration_ms < 1500


async def test_endless_informational_answers_meet_the_total_deadline():
    async def answer(writer):
        while True:
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with endpoint(answer) as server:
        response = await post(server.url, total_seconds=0.5)
    assert (response.status_code, response.duration_ms < 1500) == (None, True)


async def test_a_name_server_that_hangs_meets_the_total_deadline():
    def hang(*_):
        time.sleep(1)

    response = await post("http://slow.example/", total_seconds=0.2, getaddrinfo=hang)
    assert (response.status_code, response.duration_ms < 800) == (None, True)
    assert response.error.endswith("in time.")


async def test_hanging_name_servers_of_some_do_not_hold_up_the_others():
    def getaddrinfo(host, port, family=0, type=0):
        if host == "slow.example":
            time.sleep(1)
        return answers(["127.0.0.1"])(host, port, family, type)

    async with endpoint(OK) as server, transport(limit=50, getaddrinfo=getaddrinfo) as opened:
        slow = [opened.post("http://slow.example:1/", headers={}, body=b"") for _ in range(49)]
        waiting = [asyncio.create_task(request) for request in slow]
        await asyncio.sleep(0.1)
        response = await opened.post(f"http://quick.example:{server.port}/", headers={}, body=b"")
        assert (response.status_code, response.duration_ms < 500) == (200, True)
        await asyncio.gather(*waiting)


async def test_an_endpoint_that_never_accepts_is_given_up_before_the_total_deadline():
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        fillers = [asyncio.open_connection(*full.getsockname()) for _ in range(3)]
        filling = [asyncio.create_task(filler) for filler in fillers]
        await asyncio.sleep(0.1)
        response = await post(url, connect_seconds=0.3, total_seconds=10)
        for task in filling:
            task.cancel()
        opened = await asyncio.gather(*filling, return_exceptions=True)
        for pair in opened:
            if isinstance(pair, tuple):
                pair[1].close()
    assert response.error == "The endpoint did not accept the connection in time."
    assert response.duration_ms < 2000


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_an_answer_before_the_request_was_read_counts_at_once():
    done = asyncio.Event()

    async def serve(reader, writer):
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await done.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        response = await post(f"http://127.0.0.1:{port}/", body=bytes(30_000_000), total_seconds=5)
        done.set()
    assert (response.status_code, response.error) == (413, "")
    assert response.duration_ms < 3000


@pytest.mark.parametrize(
    ("head", "chunk"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"y" * 10_000),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"y" * 10_000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + b"y" * 10_000 + b"\r\n"),
    ],
    ids=["until close", "length", "chunked"],
)
async def test_an_endless_body_is_cut_at_the_bound_and_the_connection_closed(head, chunk):
    written, closed = [0], asyncio.Event()

    async def answer(writer):
        writer.write(head)
        try:
            while True:
                writer.write(chunk)
                await writer.drain()
                written[0] += len(chunk)
        finally:
            closed.set()

    async with endpoint(answer) as server, transport() as opened:
        response = await opened.post(server.url, headers={}, body=b"{}")
        await asyncio.wait_for(closed.wait(), 5)
    assert (response.status_code, response.body, response.error) == (200, "y" * 16_384, "")
    assert written[0] < 20_000_000


async def test_the_bound_of_the_body_can_be_chosen():
    async with endpoint(OK) as server:
        assert (await post(server.url, max_body_bytes=1)).body == "o"
        assert (await post(server.url, max_body_bytes=2)).body == "ok"


async def test_a_decompression_bomb_stays_packed():
    bomb = gzip.compress(bytes(100_000_000), 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    async with endpoint(head.encode() + bomb) as server:
        response = await post(server.url)
    assert (response.status_code, response.error) == (200, "")
    assert response.body == bomb[:16_384].decode(errors="replace").replace("\x00", "")


async def test_the_answer_is_text_that_the_database_takes():
    head = b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xe4caf\xc3\xa9\r\nContent-Length: 8\r\n\r\n"
    async with endpoint(head + b"a\x00b\xff\xc3\xa9\xe2\x82") as server:
        response = await post(server.url)
    assert response.body == "ab\ufffdé\ufffd"
    assert response.headers["x-odd"] == "??café"
    assert "".join(response.headers.values()).encode()


async def test_headers_are_bounded_in_number_and_length():
    fields = "".join(f"X-{number}: {'v' * 2000}\r\n" for number in range(100))
    async with endpoint(f"HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n".encode()) as server:
        response = await post(server.url)
    assert response.status_code == 200
    assert list(response.headers) == [f"x-{number}" for number in range(64)]
    assert {len(value) for value in response.headers.values()} == {1000}


async def test_headers_of_one_name_are_joined():
    async with endpoint(b"HTTP/1.1 200 OK\r\nVia: a\r\nVIA: b\r\nContent-Length: 0\r\n\r\n") as server:
        assert (await post(server.url)).headers["via"] == "a, b"


@pytest.mark.parametrize(
    ("start", "more", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"v" * 5000, "has a header that is too large"),
        (b"HTTP/1.1 200 ", b"v" * 5000, "has a header that is too large"),
        (b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n" * 50, "has too many headers"),
    ],
    ids=["header", "reason", "number"],
)
async def test_an_endless_header_is_cut_off(start, more, error):
    async def answer(writer):
        writer.write(start)
        while True:
            writer.write(more)
            await writer.drain()

    async with endpoint(answer) as server:
        response = await post(server.url, total_seconds=5)
    assert response.status_code is None
    assert error in response.error
    assert response.duration_ms < 2000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "The endpoint's answer is not valid HTTP or has too many headers."),
        (b"\x00\xff{}%s\r\n\r\n", "The endpoint's answer is not valid HTTP or has too many headers."),
        (b"HTTP/1.1 2OO OK\r\n\r\n", "The endpoint's answer is not valid HTTP or has too many headers."),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
            "The endpoint's answer is not valid HTTP or has too many headers.",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "The endpoint's answer is not valid HTTP or has too many headers.",
        ),
    ],
)
async def test_garbage_is_named_as_such(answer, error):
    async with endpoint(answer) as server:
        response = await post(server.url, total_seconds=5)
    assert (response.status_code, response.error) == (None, error)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "The endpoint closed the connection without an answer."),
        (b"HTTP/1.1 200", "The endpoint closed the connection without an answer."),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
            "The endpoint's answer broke off or was malformed.",
        ),
    ],
)
async def test_an_answer_that_breaks_off_is_an_error(answer, error):
    async def part(writer):
        writer.write(answer)
        await writer.drain()

    async with endpoint(part) as server:
        response = await post(server.url)
    assert (response.status_code, response.error) == (None, error)


async def test_a_refused_connection_is_an_error_that_names_no_address():
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for addresses in (["127.0.0.1"], ["127.0.0.1", "127.0.0.2"], ["::1", "127.0.0.1"]):
            response = await post(f"http://shop.example:{port}/", getaddrinfo=answers(addresses))
            assert response.status_code is None
            assert response.error.startswith("The connection could not be made: ")
            assert "127.0.0" not in response.error
    assert (await post(f"http://127.0.0.1:{port}/")).error.endswith("connection refused.")


async def test_an_unknown_host_is_an_error():
    def unknown(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    response = await post("https://nowhere.example/", getaddrinfo=unknown)
    assert response.error == "The host name could not be resolved: name or service not known."


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_this_machine_is_refused_unless_allowed(host):
    async with endpoint(OK) as server:
        response = await post(f"http://{host}:{server.port}/", allow_private=False)
    assert response.status_code is None
    assert response.error.startswith("Refused: ")
    assert server.connections == 0


async def test_the_name_of_this_machine_is_reached_when_allowed():
    async with endpoint(OK) as server:
        assert (await post(f"http://localhost:{server.port}/")).status_code == 200


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["2606:4700::1", "::ffff:127.0.0.1"]],
)
async def test_a_name_is_refused_when_any_of_its_addresses_is(addresses):
    async with endpoint(OK) as server:
        url = f"http://shop.example:{server.port}/"
        response = await post(url, allow_private=False, getaddrinfo=answers(addresses))
    assert response.error == "Refused: the host name leads to a loopback address (RFC 1122)."
    assert server.connections == 0


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "100.64.0.1", "0.0.0.0", "64:ff9b::1"])
async def test_a_name_of_a_special_address_is_refused_whatever_is_allowed(address):
    response = await post("http://shop.example/", getaddrinfo=answers([address]))
    assert response.error.startswith("Refused: the host name leads to ")
    assert address not in response.error


async def test_a_name_is_looked_up_once_per_connection_so_rebinding_finds_no_gap():
    getaddrinfo = answers(["127.0.0.1"], ["169.254.169.254"])
    closing_ok = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    async with endpoint(closing_ok) as server, transport(getaddrinfo=getaddrinfo) as opened:
        url = f"http://rebind.example:{server.port}/"
        first = await opened.post(url, headers={}, body=b"")
        assert (first.status_code, len(getaddrinfo.calls)) == (200, 1)
        second = await opened.post(url, headers={}, body=b"")
    assert second.error.startswith("Refused: ")
    assert len(getaddrinfo.calls) == 2
    assert server.connections == 1


async def test_no_socket_is_made_for_a_refused_address_even_past_the_resolver(monkeypatch):
    async def unchecked(self, host, port=0, family=0):
        keys = ("hostname", "host", "port", "family", "proto", "flags")
        return [dict(zip(keys, (host, "127.0.0.1", port, socket.AF_INET, 0, 0), strict=True))]

    monkeypatch.setattr(CheckedResolver, "resolve", unchecked)
    async with endpoint(OK) as server:
        response = await post(f"http://shop.example:{server.port}/", allow_private=False)
    assert response.error.startswith("Refused: ")
    assert server.connections == 0


async def test_plain_http_is_refused_where_it_is_forbidden():
    async with endpoint(OK) as server:
        response = await post(server.url, allow_http=False)
    assert response.error == "Refused: The URL must begin with https://."
    assert server.connections == 0


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Expect"])
async def test_a_header_that_frames_the_request_cannot_be_set(name):
    async with endpoint(OK) as server:
        response = await post(server.url, headers={name: "0"})
    assert response.error == f"The request could not be built: the header {name} cannot be set."
    assert server.requests == []


@pytest.mark.parametrize("headers", [{"X": "a\r\nHost: b"}, {"X\r\nHost": "b"}, {"X": "a\x00"}])
async def test_a_header_cannot_smuggle_another(headers):
    async with endpoint(OK) as server:
        response = await post(server.url, headers=headers)
    assert response.error.startswith("The request could not be built: ")
    assert server.requests == []


async def test_no_more_requests_are_under_way_than_the_limit_and_waiting_is_not_the_endpoints_fault():
    under_way, most = 0, 0

    async def answer(writer):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.3)
        under_way -= 1
        writer.write(OK)

    async with endpoint(answer) as server, transport(limit=2, total_seconds=0.6) as opened:
        requests = [opened.post(server.url, headers={}, body=b"") for _ in range(6)]
        responses = await asyncio.gather(*requests)
    assert [response.status_code for response in responses] == [200] * 6
    assert all(response.duration_ms < 600 for response in responses)
    assert most == 2


async def test_a_fault_of_our_own_is_logged_and_still_an_answer(monkeypatch, caplog):
    async def fault(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Transport, "_exchange", fault)
    response = await post("https://shop.example/")
    assert (response.status_code, "secret" in response.error) == (None, False)
    assert "secret detail" in caplog.text


async def test_a_cancelled_request_stays_cancelled():
    async with endpoint(lambda writer: asyncio.sleep(30)) as server, transport() as opened:
        task = asyncio.create_task(opened.post(server.url, headers={}, body=b""))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_tls_is_spoken_with_a_trusted_certificate(certificate, tls):
    trusting = ssl.create_default_context(cafile=certificate)
    async with endpoint(OK, tls=tls) as server:
        assert (await post(server.url, ssl_context=trusting)).body == "ok"


async def test_an_untrusted_certificate_is_an_error_that_says_why(tls):
    async with endpoint(OK, tls=tls) as server:
        response = await post(server.url)
    assert response.error == "The endpoint's certificate is not valid: self-signed certificate."
    assert server.requests == []


async def test_a_certificate_of_another_host_is_refused(certificate, tls):
    trusting = ssl.create_default_context(cafile=certificate)
    async with endpoint(OK, tls=tls) as server:
        url = f"https://shop.example:{server.port}/"
        response = await post(url, ssl_context=trusting, getaddrinfo=answers(["127.0.0.1"]))
    assert response.error.startswith("The endpoint's certificate is not valid: Hostname mismatch")


async def test_a_server_without_tls_behind_https_is_an_error():
    async def serve(reader, writer):
        writer.write(b"hello?\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        response = await post(f"https://127.0.0.1:{port}/", total_seconds=5)
    assert response.error.startswith("The TLS handshake failed: ")
    assert response.status_code is None


async def test_a_tls_handshake_that_is_never_answered_is_given_up_before_the_total_deadline():
    async def serve(reader, writer):
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        response = await post(url, connect_seconds=0.3, total_seconds=10)
    assert response.error == "The endpoint did not accept the connection in time."
    assert response.duration_ms < 3000


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nok", 200, "ok"),
        (b"HTTP/1.0 503 No\r\nContent-Length: 2\r\n\r\nno", 503, "no"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, ""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, "ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, 200, "ok"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 101, ""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n", 200, "ok"),
    ],
    ids=["1.0", "1.0 with length", "no reason", "100", "103", "101", "chunk extension and trailer"],
)
async def test_odd_but_valid_answers_are_read(answer, status, body):
    async def once(writer):
        writer.write(answer)
        await writer.drain()

    async with endpoint(once) as server:
        response = await post(server.url)
    assert (response.status_code, response.body, response.error) == (status, body, "")


@pytest.mark.parametrize(
    "answer",
    [
        b"hello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: 1\r\n" * 200,
    ],
    ids=["0.9", "two framings", "two lengths", "chunk too large", "chunk below zero", "chunk cut", "endless trailers"],
)
async def test_an_answer_whose_end_could_be_read_in_two_ways_is_an_error(answer):
    async def once(writer):
        writer.write(answer)
        await writer.drain()

    async with endpoint(once) as server:
        response = await post(server.url, total_seconds=5)
    assert response.status_code is None
    assert response.error.startswith("The endpoint's answer ")
    assert not response.is_ours


async def test_nothing_of_a_refused_target_is_kept():
    async with endpoint(b"HTTP/1.1 200 OK\r\nX-Inside: 1\r\nContent-Length: 6\r\n\r\nsecret") as inside:
        response = await post(inside.url, allow_private=False)
    assert (response.status_code, response.headers, response.body) == (None, {}, "")
    assert (inside.connections, response.is_ours) == (0, False)
    assert response.error == "Refused: 127.0.0.1 is a loopback address (RFC 1122)."


async def test_many_floods_at_once_stay_within_a_bound_of_memory():
    async def answer(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"y" * 50_000)
            await writer.drain()

    async with endpoint(answer) as server, transport(limit=50) as opened:
        await opened.post(server.url, headers={}, body=b"")
        tracemalloc.start()
        responses = await asyncio.gather(*(opened.post(server.url, headers={}, body=b"") for _ in range(50)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert {(response.status_code, len(response.body)) for response in responses} == {(200, 16_384)}
    # Both sides run here: the server's own buffers are in it.
    assert peak < 50 * 500_000
