"""The plain way to send webhooks, to compare with: one Celery task with `requests` for each delivery.

`python -m benchmarks.webhook_tasks URL COUNT PROCESSES`, started by `benchmarks.webhooks`; prints one JSON object.
"""

import json
import os
import resource
import subprocess
import sys
import time

import requests
from celery import Celery
from redis import Redis

BROKER = os.environ["REDIS_URL"]
BODY = json.dumps({"type": "benchmark.number.counted", "data": {"number": 1, "text": "x" * 100}})

application = Celery(broker=BROKER.replace("unix://", "redis+socket://").replace("?db=0", "?virtual_host=1"))
application.conf.update(task_ignore_result=True, task_default_queue="benchmark", worker_prefetch_multiplier=4)


@application.task(name="benchmark.send")
def send(url: str) -> None:
    """Send one."""
    requests.post(url, data=BODY, headers={"content-type": "application/json"}, timeout=15).raise_for_status()
    _counter().incr("benchmark.sent")


def _counter() -> Redis:
    return Redis.from_url(BROKER)


def main() -> None:
    """Fill the queue, let workers empty it, and print how long that took."""
    url, count, workers = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    for number in range(count):
        send.delay(f"{url}/ok/{number}")
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.webhook_tasks:application", "--quiet", "worker"]
    options = [
        "--concurrency",
        workers,
        "--loglevel",
        "ERROR",
        "-Q",
        "benchmark",
        "--without-mingle",
        "--without-gossip",
    ]
    worker = subprocess.Popen([*command, *options], stdout=sys.stderr)
    counter = _counter()
    while not (began := int(counter.get("benchmark.sent") or 0)):
        time.sleep(0.01)
    start = time.perf_counter()
    while int(counter.get("benchmark.sent") or 0) < count:
        time.sleep(0.01)
    took = time.perf_counter() - start
    worker.terminate()
    worker.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    micro = 1e6 * (used.ru_utime + used.ru_stime) / count
    print(json.dumps({"rate": (count - began) / took, "micro": micro}))


if __name__ == "__main__":
    main()
