"""What an endpoint never got is sent anew, though the worker dies in the midst of it."""

import asyncio
import json

from tests.journeys.conftest import SECONDS

EVENTS, KEPT = 12_000, 30
FILL = """
    INSERT INTO events_outbox (event_id, type, topic, subject, data, time)
    SELECT gen_random_uuid(), 'tests.drum.hit', %s, 'drums/1', jsonb_build_object('number', row), clock_timestamp()
    FROM generate_series(1, %s::int) AS row
"""


async def until(found, seconds=2 * SECONDS):
    """Wait until a question is answered with something, and return that."""
    async with asyncio.timeout(seconds):
        while not (answer := found()):
            await asyncio.sleep(0.005)
        return answer


async def test_a_replay_whose_worker_is_killed_goes_on_and_sends_each_event(stack, people, receiver, database):
    carol = people("carol")
    with database() as look:

        def one(sql, *parameters):
            return look.execute(sql, parameters).fetchone()[0]

        topic = f"users.{one('SELECT id FROM access_user WHERE username = %s', 'carol')}"
        before = str((await carol.call("GET", "events/?topic=me"))["head"])
        look.execute(FILL, [topic, EVENTS])
        await until(lambda: not one("SELECT count(*) FROM events_outbox"))

        wanted = {"topics": [topic], "event_types": ["tests.drum.*"]}
        wanted["filter"] = {"number": {"in": [number * (EVENTS // KEPT) for number in range(1, KEPT + 1)]}}
        endpoint = await carol.call("POST", "webhooks/endpoints/", 201, url=receiver.url, **wanted)
        path = f"webhooks/endpoints/{endpoint['id']}"
        reached = "SELECT position FROM events_checkpoint WHERE name = 'webhooks'"
        await until(lambda: one(reached) >= one("SELECT position FROM events_loghead"))
        replay = await carol.call("POST", f"{path}/replay/", 202, after=before, only="missing")

        progress = "SELECT (position - after)::float / (upto - after) FROM webhooks_replay WHERE id = %s"
        await until(lambda: one(progress, replay["id"]) > 0.1)
        killed = stack.kill("worker")
        at_the_kill = one(progress, replay["id"])
        stack.wait_restarted("worker", killed)
        done = "SELECT status = 'done' FROM webhooks_replay WHERE id = %s"
        await until(lambda: one(done, replay["id"]))

        requests = await receiver.wait(KEPT)
        assert at_the_kill < 1
        numbers = {json.loads(request["body"])["data"]["number"] for request in requests}
        assert numbers == {number * (EVENTS // KEPT) for number in range(1, KEPT + 1)}
        seen = await carol.call("GET", f"{path}/replays/{replay['id']}/")
        assert (seen["status"], seen["progress"], seen["made"]) == ("done", 1.0, KEPT)
        assert one("SELECT count(*) FROM webhooks_delivery WHERE endpoint_id = %s", endpoint["id"]) == KEPT
        missing = await carol.call("GET", f"{path}/missing/?after={before}")
        assert missing["events"] == []
    await carol.call("DELETE", f"{path}/", 204)
