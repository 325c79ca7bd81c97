"""How soon the home page of the demo stands there: `python -m benchmarks.pages`.

Starts a throwaway server as `script/server` does, with its demo and some more entries, and signs bob in. Warm: first
the server's part alone, one request after the other over one connection; then the page in Chromium, each time opened
anew with what a browser keeps: when its first entry is painted, and when the largest thing is.
"""

import argparse
import http.client
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks.conditions import describe
from benchmarks.tables import show
from script.development.stack import Stack

ENTRIES, WARM = 40, 20
# When the first entry and the largest thing are painted, in milliseconds since the page was asked for.
PAINTED = """
    () => new Promise((done) => {
        const told = { first: 0, largest: 0 };
        const observer = new PerformanceObserver((list) => {
            for (const each of list.getEntries()) told.largest = each.startTime;
        });
        observer.observe({ type: "largest-contentful-paint", buffered: true });
        const [first] = performance.getEntriesByName("first-contentful-paint");
        told.first = document.querySelector(".entry") ? first.startTime : 0;
        setTimeout(() => done(told), 100);
    })
"""


def sign_in(context: BrowserContext, url: str, name: str) -> Page:
    """Sign somebody in and return their page."""
    page = context.new_page()
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("tidewire")
    page.locator("main button").click()
    page.wait_for_selector(f"body[data-user={name}]")
    return page


def publish(context: BrowserContext, url: str) -> None:
    """Let alice say something, so that there is a whole page of it."""
    page = sign_in(context, url, "alice")
    for number in range(ENTRIES):
        page.get_by_label("New entry").fill(f"Number {number}: the wind backs, and the tide turns at twenty past two.")
        page.get_by_role("button", name="Publish").click()
        page.wait_for_selector(".is-sending", state="detached")
    page.close()


def server_times(port: int, cookies: str, count: int) -> tuple[list[float], int]:
    """Return how long the server takes for the page, to its last byte, and how many bytes they are."""
    connection, took, size = http.client.HTTPConnection("127.0.0.1", port), [], 0
    for _ in range(WARM + count):
        began = time.perf_counter()
        connection.request("GET", "/", headers={"Cookie": cookies})
        size = len(connection.getresponse().read())
        took.append(1000 * (time.perf_counter() - began))
    return took[WARM:], size


def painted(page: Page, url: str, count: int) -> tuple[list[float], list[float]]:
    """Return when the first entry and the largest thing are painted, each time that the page is opened."""
    found = []
    for _ in range(3 + count):
        page.goto("about:blank")
        page.goto(url, wait_until="load")
        found.append(page.evaluate(PAINTED))
    return [one["first"] for one in found[3:]], [one["largest"] for one in found[3:]]


def figures(took: list[float]) -> list[str]:
    """Return the middle and the high end of some durations."""
    cuts = statistics.quantiles(took, n=100)
    return [str(len(took)), f"{cuts[49]:.1f}", f"{cuts[89]:.1f}", f"{max(took):.1f}"]


def run(stack: Stack, requests: int, loads: int) -> None:
    """Measure a server that is ready, and print."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        publish(browser.new_context(), stack.url)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = sign_in(context, stack.url, "bob")
        cookies = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())
        took, size = server_times(stack.port, cookies, requests)
        first, largest = painted(page, stack.url, loads)
        browser.close()
    rows = [
        ["server, to the last byte", *figures(took)],
        ["first entry painted", *figures(first)],
        ["largest contentful paint", *figures(largest)],
    ]
    show(
        "Home, signed in, 20 entries, warm", ["what", "times", "p50 ms", "p90 ms", "max ms"], rows, [f"{size:,} bytes."]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--loads", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidewire-benchmark-") as folder:
        stack = Stack(Path(folder), environment={}, throwaway=True)
        stack.start()
        try:
            stack.wait_ready(90)
            describe(stack.environment["DATABASE_URL"])
            run(stack, options.requests, options.loads)
        finally:
            stack.stop()


if __name__ == "__main__":
    main()
