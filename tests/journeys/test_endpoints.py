"""An endpoint's keys and headers, from the API to the receiver."""

import base64
import time

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from webhooks import signing


@pytest.fixture
async def made(people, receiver):
    """An endpoint of alice's that hears of nothing but its tests; return how to call it."""
    alice = people("alice")
    wanted = {"url": receiver.url, "topics": ["nowhere"], "headers": {"Authorization": "Bearer hush"}}
    endpoint = await alice.call("POST", "webhooks/endpoints/", 201, **wanted)

    async def call(method, path="", *status, **fields):
        return await alice.call(method, f"webhooks/endpoints/{endpoint['id']}/{path}", *status, **fields)

    yield endpoint, call
    await call("DELETE")


async def published_keys(stack, endpoint):
    place = f"{stack.url}/.well-known/tidewire/webhooks/{endpoint['id']}/jwks.json"
    async with aiohttp.ClientSession() as http, http.get(place) as response:
        keys = (await response.json())["keys"]
    return ["whpk_" + base64.b64encode(base64.urlsafe_b64decode(key["x"] + "=")).decode() for key in keys]


async def test_a_test_arrives_with_the_subscribers_headers_and_both_secrets_of_a_rotation_verify_it(made, receiver):
    endpoint, call = made
    rotated = await call("POST", "rotate-secret/", 200, overlap_hours=1)
    tested = await call("POST", "test/", 202)
    [request] = await receiver.wait(1)
    assert request["headers"]["webhook-id"] == tested["id"]
    assert request["headers"]["Authorization"] == "Bearer hush"
    for secret in (endpoint["secret"], rotated["secret"]):
        event = Webhook(secret).verify(request["body"], request["headers"])
        assert (event["type"], event["data"]["endpoint"]["id"]) == ("webhooks.endpoint.tested", endpoint["id"])


async def test_who_changes_to_v1a_verifies_with_published_keys_and_the_old_secret_for_a_while(stack, made, receiver):
    endpoint, call = made
    await call("PATCH", signature="v1a")
    await call("POST", "test/", 202)
    [request] = await receiver.wait(1)
    keys = await published_keys(stack, endpoint)
    for known in (keys, [endpoint["secret"]]):
        assert signing.verify(request["headers"], request["body"], known, now=time.time())
    await call("POST", "rotate-secret/", 200)
    assert (await published_keys(stack, endpoint))[1:] == keys
