"""A served host with an open console, and a real browser that looks at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import serving

ROOT = Path(__file__).parents[3]
AXE = ROOT / "build" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
"""Where ``make browser`` installs it."""

SOURCE = '''
import logging
from typing import Literal

import ffhost
from pydantic import BaseModel

PRICES = {"tea": 4.5, "cup": 12.0}
log = logging.getLogger("shop.prices")


def price(request):
    """Look up what an article costs."""
    article = request.json["article"]
    log.warning("looking up", extra={"article": article})
    return {"article": article, "price": PRICES[article]}


class Address(BaseModel):
    street: str
    city: str = "Bern"


class Line(BaseModel):
    article: str
    amount: int = 1
    extras: list["Line"] = []


class Order(BaseModel):
    """What somebody wants."""

    customer: str
    size: Literal["small", "large"] = "small"
    email: str | None = None
    address: Address
    lines: list[Line]
    notes: dict[str, str] = {}


class Receipt(BaseModel):
    """What it costs."""

    customer: str
    total: float


@ffhost.typed
def order(wanted: Order) -> Receipt:
    """Take an order and answer with its receipt."""
    total = sum(PRICES.get(line.article, 1) * line.amount for line in wanted.lines)
    return Receipt(customer=wanted.customer, total=total)


@ffhost.cloud_event
def on_order(event):
    """Pack what was ordered."""
    log.warning("packing")


def nightly(request):
    """Send the report of the day."""
    ffhost.call_sync("price", json={"article": "tea"})
    return "sent"


def echo(request):
    """Answer with what came, as a page."""
    log.warning(request.get_data(as_text=True))
    answer = request.get_data(as_text=True) or "nothing"
    return answer, 200, {"content-type": "text/html", "x-echo": request.headers.get("x-say", "")}
'''

CONFIG = """\
version: 1
events: {path: /events}
functions:
  price:
    target: main.py:price
    methods: [GET, POST]
    timeout: 20s
  order:
    target: main.py:order
    concurrency: 8
    examples:
      - name: two cups
        request:
          method: POST
          headers: {content-type: application/json}
          body: >-
            {"customer": "Ada", "address": {"street": "Kramgasse 49"},
            "lines": [{"article": "cup", "amount": 2}]}
  on-order:
    target: main.py:on_order
    subscriptions:
      - filters: [{exact: {type: shop.ordered}}]
  nightly:
    target: main.py:nightly
    schedules: [{cron: "30 2 * * *", timezone: Europe/Zurich}]
  echo:
    target: main.py:echo
    path: /echo/{rest}
"""

SETS = (
    "server.host=127.0.0.1",
    "server.port=0",
    "server.workers=2",
    "server.debug=true",
    "server.drain_delay=0s",
    "admin.enabled=true",
    "admin.port=0",
    "console.enabled=true",
    "console.capture=true",
    "config_reload.interval=200ms",
)


class Desk:
    """A running host and its two addresses."""

    def __init__(self, running: serving.Running) -> None:
        self.running = running
        self.public, self.admin = running.urls()[:2]

    @property
    def config(self) -> Path:
        """Return the file of the configuration."""
        return self.running.folder / "functions.yaml"

    def post(self, path: str, body: str, **headers: str) -> int:
        """Call a function over HTTP on a connection of its own; return the status."""
        connection = self.running.connection()
        try:
            connection.request("POST", path, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()


@contextmanager
def served(folder: Path, *sets: str) -> Iterator[Desk]:
    """Serve the functions above with two workers and an open console."""
    (folder / "main.py").write_text(SOURCE)
    (folder / "functions.yaml").write_text(CONFIG)
    given = {
        **dict(each.split("=", 1) for each in SETS),
        **dict(each.split("=", 1) for each in sets),
    }
    settings = [f"{path}={value}" for path, value in given.items()]
    running = serving.Running(folder, [serving.__file__, *settings], {"TEST_CODE_CHECK": ""})
    try:
        yield Desk(running)
    finally:
        running.close()


@contextmanager
def chromium() -> Iterator[Any]:
    """Start a browser; skip the test, with the reason, where none is installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        installed = shutil.which("chromium") or shutil.which("chromium-browser")
        path = installed or driver.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("no Chromium is installed: make browser, or apt install chromium")
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        try:
            browser = driver.chromium.launch(executable_path=path, args=sandbox)
        except playwright.Error as error:
            pytest.skip(f"Chromium does not start: {str(error).splitlines()[0]}")
        try:
            yield browser
        finally:
            browser.close()


def go(page: Any, address: str, fragment: str) -> None:
    """Open a page of the console and wait until it is shown."""
    page.goto(f"{address}/{fragment}")
    page.wait_for_selector(f'main[data-shown="{fragment}"]')


def axe() -> str:
    """Return the source of axe-core; skip where it is not installed."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make browser")
    return AXE.read_text()
