import asyncio
import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from aiohttp import ClientSession
from django.db import connection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from events.live import lifespan as module
from events.live.hub import current_hub, stop_hub
from tests.events.conftest import CHECKOUT, PLACE


async def run(*messages):
    incoming, sent = asyncio.Queue(), []
    for type in messages:
        incoming.put_nowait({"type": type})

    async def send(message):
        sent.append(message["type"])

    await asyncio.wait_for(module.lifespan({}, incoming.get, send), 5)
    return sent


async def test_it_starts_and_stops_with_the_process(transactional_db):
    sent = await run("lifespan.startup", "lifespan.shutdown")
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_database_that_is_away_does_not_keep_the_process_from_starting(transactional_db, monkeypatch):
    async def away():
        raise ConnectionError("no database")

    monkeypatch.setattr(module, "current_hub", away)
    assert "lifespan.startup.complete" in await run("lifespan.startup", "lifespan.shutdown")


async def test_a_stopped_hub_is_started_anew(transactional_db):
    first = await current_hub()
    await stop_hub()
    assert await current_hub() is not first
    await stop_hub()


class Web:
    """A web process of its own."""

    def __init__(self, port, process):
        self.port, self.process = port, process

    async def client(self):
        client = await connect(f"ws://127.0.0.1:{self.port}/live/ws")
        assert json.loads(await client.recv())["type"] == "welcome"
        return client

    async def ended(self):
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), 20)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
async def web(transactional_db):
    """Start a server on the test's database; it has 2 s to send everyone away."""
    known = connection.get_connection_params()
    place = " ".join(f"{key}='{known[key]}'" for key in PLACE if known.get(key))
    environment = {**os.environ, "DATABASE_URL": place, "TIDEWIRE_DRAIN_SECONDS": "2", "TIDEWIRE_HTTPS": "0"}
    environment["ALLOWED_HOSTS"] = "127.0.0.1"
    started = []

    async def start(*options):
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "config.asgi:application",
            "--port",
            str(port),
            "--log-level",
            "warning",
        ]
        command += ["--ws", "events.live.server:LiveProtocol", "--timeout-graceful-shutdown", "2", *options]
        web = Web(port, subprocess.Popen(command, cwd=CHECKOUT, env=environment))
        started.append(web)
        while True:
            assert web.process.poll() is None
            try:
                client = await web.client()
            except OSError:
                await asyncio.sleep(0.1)
            else:
                await client.close()
                return web

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()


async def farewell(client):
    """Return what a client is told at the end: how long to wait, and the code of the close."""
    pauses = []
    try:
        while True:
            frame = json.loads(await asyncio.wait_for(client.recv(), 10))
            pauses += [frame["after_ms"]] if frame["type"] == "reconnect" else []
    except ConnectionClosed as closed:
        return pauses, closed.rcvd.code


async def test_a_process_that_is_ended_sends_its_clients_away_one_by_one_and_ends_well(web):
    server = await web()
    clients = [await server.client() for _ in range(6)]
    server.process.send_signal(signal.SIGTERM)
    farewells = await asyncio.gather(*map(farewell, clients))
    assert {code for _, code in farewells} == {1012}
    assert all(len(pauses) == 1 for pauses, _ in farewells)
    assert len({pauses[0] for pauses, _ in farewells}) > 1
    assert await server.ended() == 0


async def test_a_process_that_is_ended_says_at_once_that_nobody_new_should_be_sent_to_it(web):
    server = await web()
    async with ClientSession(f"http://127.0.0.1:{server.port}") as http:
        async with http.get("/readyz") as answer:
            assert (await answer.json())["process"] == "ok"
        client = await server.client()
        server.process.send_signal(signal.SIGTERM)
        assert json.loads(await client.recv())["type"] == "reconnect"
        async with http.get("/readyz") as answer:
            assert (answer.status, (await answer.json())["process"]) == (503, "Draining")
        await farewell(client)
    assert await server.ended() == 0


async def test_a_second_signal_does_not_wait(web):
    server = await web()
    clients = [await server.client() for _ in range(3)]
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        assert json.loads(await client.recv())["type"] == "reconnect"
    server.process.send_signal(signal.SIGTERM)
    assert {(await farewell(client))[1] for client in clients} == {1012}
    assert await server.ended() == 0


async def test_with_nobody_there_and_no_database_it_ends_at_once(transactional_db, monkeypatch):
    async def away():
        raise ConnectionError("no database")

    monkeypatch.setattr(module, "current_hub", away)
    ended = asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    try:
        module._drain_before_the_end(asyncio.get_running_loop())
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(ended.wait(), 5)
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_workers_of_one_server_drain_each_for_itself(web):
    server = await web("--workers", "2")
    clients = [await server.client() for _ in range(6)]
    server.process.send_signal(signal.SIGTERM)
    farewells = await asyncio.gather(*map(farewell, clients))
    assert {code for _, code in farewells} == {1012}
    assert all(len(pauses) == 1 for pauses, _ in farewells)
    assert await server.ended() == 0
