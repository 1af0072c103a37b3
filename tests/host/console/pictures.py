"""``make pictures``: pictures of the console for its documentation, of a host that really serves.

They are small, and both widths and both colours are among them. Look at each before it is kept.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.host.console.browser import ROOT, Desk, chromium, go, served

SIZES = {"wide": (1200, 720), "narrow": (360, 720)}
PLACES = (
    ("functions", "wide", "light"),
    ("try", "wide", "light"),
    ("call", "wide", "dark"),
    ("calls", "narrow", "dark"),
    ("functions", "narrow", "light"),
    ("events", "wide", "light"),
)
JSON = {"content-type": "application/json"}


def calls(desk: Desk) -> None:
    """Make calls of several kinds, so that there is something to see."""
    desk.post("/price", json.dumps({"article": "tea"}), **JSON)
    for _ in range(12):
        desk.post("/price", json.dumps({"article": "cup"}), **JSON)
    address = {"street": "Kramgasse 49"}
    line = {"article": "cup", "amount": 2}
    order = {"customer": "Ada", "address": address, "lines": [line]}
    for _ in range(5):
        desk.post("/order", json.dumps(order), **JSON)
    desk.post("/order", json.dumps({"customer": "Ada"}), **JSON)
    desk.post("/echo/page", "<h1>Hello</h1>")
    desk.post("/price", json.dumps({"article": "tee"}), authorization="Bearer secret", **JSON)


def hide_machine(page: Any, desk: Desk) -> None:
    """Show usual paths in place of those of this machine."""
    usual = {str(desk.config.parent): "/app", str(ROOT): "/app/.venv/lib/python3.11/site-packages"}

    def answer(route: Any) -> None:
        response = route.fetch()
        text = response.text()
        for path, instead in usual.items():
            text = text.replace(path, instead)
        route.fulfill(response=response, body=text)

    page.route(re.compile(r"/console/api/(?!stream)"), answer)


def show(page: Any, desk: Desk, name: str) -> None:
    """Open what the picture *name* shows."""
    if name == "try":
        go(page, desk.admin, "#/functions/order")
        page.get_by_role("button", name="two cups").click()
        page.get_by_role("button", name="Call it").click()
        page.locator(".headline").wait_for()
        page.locator("h2", has_text="Try it").evaluate("(e) => scrollTo(0, e.offsetTop - 80)")
    elif name == "call":
        go(page, desk.admin, "#/calls?status=5xx")
        page.locator(".row-link").first.click()
        page.get_by_text("Replay with changes").wait_for()
    elif name == "events":
        go(page, desk.admin, "#/events")
        page.get_by_label("Type").fill("shop.ordered")
        page.get_by_role("button", name="Send").click()
        page.get_by_role("heading", name="Took it").wait_for()
    else:
        go(page, desk.admin, f"#/{name}")


def main(folder: Path) -> None:
    """Take every picture."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as opened:
        shop = Path(temporary) / "shop"
        shop.mkdir()
        browser = opened.enter_context(chromium())
        desk = opened.enter_context(served(shop))
        go(browser.new_page(), desk.admin, "#/calls")  # calls are kept while somebody looks
        calls(desk)
        for name, size, scheme in PLACES:
            width, height = SIZES[size]
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            hide_machine(page, desk)
            show(page, desk, name)
            page.get_by_text("live", exact=True).wait_for()
            page.screenshot(path=folder / f"console-{name}-{size}-{scheme}.png")
            page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
