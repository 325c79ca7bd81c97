import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.webhooks.names import AAAA, A, name_server
from tests.webhooks.servers import OK, answers, endpoint, post, transport
from webhooks import resolver as resolver_module
from webhooks.addresses import RefusedURL
from webhooks.resolver import CheckedResolver, GuardingResolver

pytestmark = pytest.mark.asyncio


async def test_the_connector_gets_exactly_the_checked_answers():
    with ThreadPoolExecutor(1) as threads:
        getaddrinfo = answers(["8.8.8.8", "2606:4700::1111"], ["10.0.0.1"])
        resolver = CheckedResolver(allow_private=False, getaddrinfo=getaddrinfo, threads=threads)
        found = await resolver.resolve("rebind.example", 443)
        assert [answer["host"] for answer in found] == ["8.8.8.8", "2606:4700::1111"]
        with pytest.raises(RefusedURL, match="private address"):
            await resolver.resolve("rebind.example", 443)


@pytest.mark.parametrize("addresses", [["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::"]])
async def test_one_refused_answer_spoils_all_of_a_look_up(addresses):
    with ThreadPoolExecutor(1) as threads:
        resolver = CheckedResolver(allow_private=False, getaddrinfo=answers(addresses), threads=threads)
        with pytest.raises(RefusedURL):
            await resolver.resolve("mixed.example", 443)


# A public address by its form, in a range that was given back (RFC 3701) and that nobody routes.
PUBLIC_AND_UNROUTED = "3ffe::1"


async def test_a_name_server_that_changes_its_answer_leads_nowhere_private():
    async with endpoint(OK) as private, name_server([PUBLIC_AND_UNROUTED], ["127.0.0.1"]) as names:
        options = {"allow_private": False, "connect_seconds": 0.3, "getaddrinfo": names.getaddrinfo}
        async with transport(**options) as opened:
            url = f"http://rebind.example:{private.port}/hook"
            first = await opened.post(url, headers={}, body=b"{}")
            asked_once = list(names.asked)
            second = await opened.post(url, headers={}, body=b"{}")
    # The first went where the first answer led; had anybody asked again before it connected, it had come here.
    assert (first.status_code, asked_once) == (None, [AAAA, A])
    assert "connection" in first.error
    assert second.error == "Refused: the host name leads to a loopback address (RFC 1122)."
    assert (private.connections, second.body, second.headers) == (0, "", {})


async def test_an_answer_of_the_name_server_is_the_address_that_is_connected_to():
    async with endpoint(OK) as server, name_server(["127.0.0.1"], ["169.254.169.254"]) as names:
        url = f"http://shop.example:{server.port}/hook"
        assert (await post(url, getaddrinfo=names.getaddrinfo)).status_code == 200
        again = await post(url, getaddrinfo=names.getaddrinfo)
    assert again.error == "Refused: the host name leads to a cloud's metadata address (RFC 3927)."
    assert server.connections == 1


async def test_a_private_address_among_public_ones_of_the_name_server_is_refused():
    async with endpoint(OK) as private, name_server([PUBLIC_AND_UNROUTED, "127.0.0.1"]) as names:
        url = f"http://mixed.example:{private.port}/hook"
        response = await post(url, allow_private=False, getaddrinfo=names.getaddrinfo)
    assert (response.error.startswith("Refused: "), private.connections) == (True, 0)


async def test_names_are_left_to_a_proxy_unless_they_are_known_to_lead_inside():
    with ThreadPoolExecutor(1) as threads:
        getaddrinfo = answers(["8.8.8.8"], ["10.0.0.1"])
        resolver = GuardingResolver(allow_private=False, getaddrinfo=getaddrinfo, threads=threads)
        [found] = await resolver.resolve("shop.example", 443)
        assert (found["host"], found["port"]) == ("shop.example", 443)
        with pytest.raises(RefusedURL, match="private address"):
            await resolver.resolve("inside.example", 443)


async def test_a_name_that_only_the_proxy_knows_is_left_to_it():
    def unknown(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with ThreadPoolExecutor(1) as threads:
        resolver = GuardingResolver(allow_private=False, getaddrinfo=unknown, threads=threads)
        assert (await resolver.resolve("shop.example", 443))[0]["host"] == "shop.example"


async def test_a_name_server_that_says_nothing_does_not_keep_a_name_from_the_proxy(monkeypatch):
    monkeypatch.setattr(resolver_module, "GUARD_SECONDS", 0.05)
    answered = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        resolver = GuardingResolver(allow_private=False, getaddrinfo=lambda *_: answered.wait(5), threads=threads)
        assert (await resolver.resolve("shop.example", 443))[0]["host"] == "shop.example"
        answered.set()
