import asyncio
import base64
import socket
import ssl
from contextlib import closing

import pytest

from tests.webhooks.servers import OK, answers, connect_proxy, endpoint, post, transport
from webhooks.proxy import MALFORMED, Proxy

pytestmark = pytest.mark.asyncio

NAME = "http://shop.example/hook"


def unknown(*_):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def through(proxy, url=NAME, **options):
    return await post(url, **{"proxy_url": proxy.url, "getaddrinfo": unknown, **options})


async def test_a_name_is_resolved_by_the_proxy_and_the_endpoint_gets_the_same_request_as_without_one():
    async with endpoint(OK) as server, connect_proxy(leads_to=server.port) as proxy:
        response = await through(proxy, headers={"webhook-id": "1"}, body=b'{"a":1}')
    assert (response.status_code, response.body, response.is_ours) == (200, "ok", False)
    assert proxy.requests == [b"CONNECT shop.example:80 HTTP/1.1\r\nHost: shop.example:80\r\n\r\n"]
    assert server.requests[0].startswith(b"POST /hook HTTP/1.1\r\nHost: shop.example\r\n")
    assert b"proxy" not in server.requests[0].lower()
    assert server.requests[0].endswith(b'{"a":1}')


async def test_the_proxy_is_told_who_asks_and_the_endpoint_is_not():
    async with endpoint(OK) as server, connect_proxy(leads_to=server.port) as proxy:
        url = f"http://tidewire:p%40ss%3A%C3%A9@127.0.0.1:{proxy.port}"
        assert (await post(NAME, proxy_url=url, getaddrinfo=unknown)).status_code == 200
    [line] = [line for line in proxy.requests[0].split(b"\r\n") if line.startswith(b"Proxy-Authorization: Basic ")]
    assert base64.b64decode(line.split()[-1]).decode() == "tidewire:p@ss:é"
    assert b"Authorization" not in server.requests[0]


async def test_a_tunnel_is_kept_for_the_next_request_to_the_same_endpoint_alone():
    async with (
        endpoint(OK) as server,
        connect_proxy(leads_to=server.port) as proxy,
        transport(proxy_url=proxy.url, getaddrinfo=unknown) as opened,
    ):
        for url in (NAME, NAME, "http://other.example/hook"):
            assert (await opened.post(url, headers={}, body=b"")).status_code == 200
    assert [request.split()[1] for request in proxy.requests] == [b"shop.example:80", b"other.example:80"]


async def test_proxies_of_the_environment_are_not_used(monkeypatch):
    async with connect_proxy() as proxy, endpoint(OK) as server:
        for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await post(server.url)).status_code == 200
    assert proxy.connections == 0


async def test_tls_inside_the_tunnel_is_verified_against_the_name_of_the_endpoint(certificate, tls):
    trusting = ssl.create_default_context(cafile=certificate)
    async with endpoint(OK, tls=tls) as server, connect_proxy(leads_to=server.port) as proxy:
        url = "https://127.0.0.1:{}/hook"
        assert (await through(proxy, url.format(server.port), ssl_context=trusting)).status_code == 200
        other = await through(proxy, "https://shop.example/hook", ssl_context=trusting)
        unknown_issuer = await through(proxy, url.format(server.port))
    assert other.error.startswith("The endpoint's certificate is not valid: Hostname mismatch")
    assert unknown_issuer.error == "The endpoint's certificate is not valid: self-signed certificate."
    assert (other.is_ours, unknown_issuer.is_ours) == (False, False)
    assert proxy.requests[1].startswith(b"CONNECT shop.example:443 ")
    assert len(server.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "[::1]", "169.254.169.254", "[64:ff9b::7f00:1]"])
async def test_a_literal_address_is_checked_before_the_proxy_hears_of_it(host):
    async with connect_proxy() as proxy:
        response = await through(proxy, f"http://{host}/", allow_private=False)
    assert (response.error.startswith("Refused: "), proxy.connections) == (True, 0)


async def test_a_name_that_is_known_to_lead_inside_is_refused_before_the_proxy_hears_of_it():
    async with connect_proxy() as proxy:
        response = await through(proxy, allow_private=False, getaddrinfo=answers(["10.0.0.1"]))
    assert response.error == "Refused: the host name leads to a private address (RFC 1918)."
    assert proxy.connections == 0


@pytest.mark.parametrize(
    ("status", "error", "is_ours"),
    [
        (407, "The egress proxy did not accept our credentials (407).", True),
        (400, "The egress proxy made no connection (400).", True),
        (500, "The egress proxy made no connection (500).", True),
        (302, "The egress proxy made no connection (302).", True),
        (403, "The egress proxy refuses to go to the endpoint (403).", False),
        (502, "The egress proxy could not reach the endpoint (502).", False),
        (503, "The egress proxy could not reach the endpoint (503).", False),
        (504, "The egress proxy could not reach the endpoint (504).", False),
    ],
)
async def test_what_the_proxy_answers_is_never_taken_for_the_endpoints_answer(status, error, is_ours):
    said = f"HTTP/1.1 {status} No\r\nRetry-After: 60\r\nContent-Length: 6\r\n\r\nsecret"
    async with connect_proxy(said.encode()) as proxy:
        response = await through(proxy)
    assert (response.status_code, response.error, response.is_ours) == (None, error, is_ours)
    assert (response.headers, response.body) == ({}, "")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"", "The egress proxy closed the connection."),
        (b"HTTP/1.1 200 OK\r\n", "The egress proxy closed the connection."),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "The egress proxy gave no valid answer."),
        (b"HTTP/1.1 2OO OK\r\n\r\n", "The egress proxy gave no valid answer."),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 30_000, "The egress proxy gave no valid answer."),
    ],
)
async def test_a_proxy_that_speaks_no_http_is_our_fault(said, error):
    async def answer(writer):
        writer.write(said)
        await writer.drain()

    async with connect_proxy(answer) as proxy:
        response = await through(proxy)
    assert (response.status_code, response.error, response.is_ours) == (None, error, True)


async def test_a_proxy_that_is_not_there_is_our_fault():
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        response = await post(NAME, proxy_url=f"http://127.0.0.1:{unused.getsockname()[1]}", getaddrinfo=unknown)
    assert response.error == "The egress proxy could not be reached: connection refused."
    assert response.is_ours


async def test_an_endpoint_that_the_proxy_waits_for_in_vain_is_not_our_fault():
    async with connect_proxy(lambda writer: asyncio.sleep(30)) as proxy:
        response = await through(proxy, connect_seconds=0.3)
    assert (response.error, response.is_ours) == ("The endpoint did not accept the connection in time.", False)


async def test_bytes_that_come_before_the_request_are_not_an_answer():
    early = b"HTTP/1.1 200 OK\r\n\r\n" + OK
    async with endpoint(OK) as server, connect_proxy(early, leads_to=server.port) as proxy:
        response = await through(proxy)
    assert (response.status_code, response.is_ours, server.requests) == (None, False, [])


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128),
        ("http://proxy.example:3128/", "proxy.example", 3128),
        ("http://user:word@[::1]:8080", "::1", 8080),
    ],
)
async def test_a_proxy_is_read_from_its_url(url, host, port):
    proxy = Proxy.parse(url)
    assert (proxy.host, proxy.port) == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example:3128",
        "http://proxy.example",
        "http://:3128",
        "http://proxy.example:0",
        "http://proxy.example:65536",
        "http://proxy.example:x",
        "http://user:hush@proxy.example",
        "https://user:hush@proxy.example:3128",
        "socks5://proxy.example:1080",
        "http://proxy.example:3128/path",
        "http://proxy.example:3128?x",
        "http://proxy.example:3128#x",
        "http://proxy.example:3128\r\nX: y",
        "http://[::1:3128",
    ],
)
async def test_a_malformed_proxy_is_named_without_its_password(url):
    with pytest.raises(ValueError, match="must be written as") as caught:
        Proxy.parse(url)
    assert str(caught.value) == MALFORMED
