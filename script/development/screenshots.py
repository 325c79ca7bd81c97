"""Make a picture of every page in every width and scheme: script/screenshots [--into FOLDER] [--only WORD]."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, ViewportSize, sync_playwright

from script.development import gallery
from script.development.problems import Problem
from script.development.rooms import CHECKOUT
from script.development.stack import Stack

WIDTHS = (390, 768, 1280)
SCHEMES: tuple[Any, ...] = ("light", "dark")
HEIGHT = 900
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]


def main(arguments: list[str]) -> int:
    """Make them; the exit status is 1 when a page could not be shown, or was wider than its screen."""
    asked = _parser().parse_args(arguments)
    if CHROMIUM is None:
        print("script/screenshots: Chromium is not installed (apt-get install chromium).", file=sys.stderr)
        return 1
    began, troubles, made = time.monotonic(), [], 0
    asked.into.mkdir(parents=True, exist_ok=True)
    with _scene() as scene, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width in asked.width or WIDTHS:
            for name, trouble in _take(browser, scene, width, asked):
                made += len(SCHEMES)
                troubles += [f"{name} at {width}: {trouble}"] * bool(trouble)
                print(f"{width:>5}  {name}{': ' + trouble if trouble else ''}", flush=True)
        browser.close()
    print(f"{made} pictures in {asked.into} ({time.monotonic() - began:.0f} s), {len(troubles)} troubles.")
    for trouble in troubles:
        print(f"  {trouble}")
    return 1 if troubles else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/screenshots", description=__doc__)
    parser.add_argument("--into", type=Path, default=CHECKOUT / "screenshots", help="the folder (screenshots/)")
    parser.add_argument("--only", default="", help="pages whose name holds this word")
    parser.add_argument("--width", type=int, action="append", help=f"in place of {WIDTHS}; may be given again")
    return parser


@contextmanager
def _scene() -> Iterator[gallery.Scene]:
    """Yield a scene on a server that exists only for it."""
    room = Path(tempfile.mkdtemp(prefix="tidewire-screenshots-"))
    try:
        with Stack(room, throwaway=True) as stack:
            yield gallery.set_scene(stack)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _take(browser: Any, scene: gallery.Scene, width: int, asked: argparse.Namespace) -> Iterator[tuple[str, str]]:
    visitor = gallery.Visitor(browser, scene, viewport=ViewportSize(width=width, height=HEIGHT))
    try:
        for shown, page in visitor.pages(asked.only):
            yield shown.name, _shown(visitor, page, shown, asked.into / f"{shown.name}-{width}")
    finally:
        visitor.close()


def _shown(visitor: gallery.Visitor, page: Page, shown: gallery.Shown, stem: Path) -> str:
    try:
        visitor.open(page, shown)
    except (Error, AssertionError) as error:
        return " ".join(str(error).split())[:200]
    return _shoot(page, stem)


def _shoot(page: Page, stem: Path) -> str:
    """Make the pictures of a page; return what is wrong with it, or nothing."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.screenshot(path=f"{stem}-{scheme}.png", full_page=True)
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    is_ours = "/admin/" not in page.url
    return f"wider than its screen by {width} px" if width > 0 and is_ours else ""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        sys.exit(f"script/screenshots: {problem}")
