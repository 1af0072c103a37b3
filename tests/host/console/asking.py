"""A host with an open console in this process, and a browser that asks it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

from ffhost.asgi import create_app
from ffhost.config import ConfigSources
from ffhost.host import admin
from ffhost.host.own_addresses import find_host_addresses
from ffhost.host.service import Service
from ffhost.testing import _AsgiExchange

BROWSER = [("host", "127.0.0.1:9901"), ("sec-fetch-site", "same-origin")]
OPEN = "admin: {enabled: true}\nconsole: {enabled: true, capture: true}\n"


class Answered(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Desk:
    """Sends requests to both listeners of one host."""

    def __init__(
        self, folder: Path, code: str, config: str, *, url: str | None = None, **environ: str
    ) -> None:
        (folder / "main.py").write_text(code)
        (folder / "functions.yaml").write_text(config)
        sources = ConfigSources(config="functions.yaml", environ=environ, cwd=folder)
        self.folder = folder
        self.service = Service(sources, embedded=True)
        find_host_addresses(self.service.store).admin = url
        self._app = create_app(self.service)
        self._loop = asyncio.new_event_loop()

    def call(self, path: str, method: str = "GET", **options: Any) -> Answered:
        """Call a function over HTTP."""
        return self._send("public", method, path, **options)

    def ask(self, path: str, method: str = "GET", **options: Any) -> Answered:
        """Ask the admin listener, as a page of the console does."""
        options.setdefault("fields", BROWSER)
        return self._send("admin", method, path, **options)

    def get(self, path: str) -> Any:
        """Return the JSON that the console answers with."""
        answer = self.ask(f"/console/api/{path}")
        assert answer.status == 200, answer
        return answer.json()

    def post(self, path: str, value: Any) -> Any:
        """Send JSON with the page's token."""
        return self.send(path, value).json()

    def send(self, path: str, value: Any) -> Answered:
        """Send JSON with the page's token; return the whole answer."""
        token = self.get("session")["token"]
        fields = [*BROWSER, ("x-ffhost-token", token), ("content-type", "application/json")]
        body = json.dumps(value).encode()
        return self.ask(f"/console/api/{path}", "POST", fields=fields, body=body)

    def last(self) -> Any:
        """Return the call that ended last, with all its parts."""
        identity = self.get("calls?limit=1")["calls"][0]["id"]
        return self.get(f"calls/{identity}")

    def _send(
        self, listener: str, method: str, path: str, *, fields: Any = (), body: bytes = b""
    ) -> Answered:
        async def marked(scope: Any, receive: Any, send: Any) -> None:
            await self._app({**scope, "state": {admin.LISTENER_KEY: listener}}, receive, send)

        given = [*fields, *([("content-length", str(len(body)))] if body else [])]
        exchange = _AsgiExchange([body], None)
        answer = self._loop.run_until_complete(exchange.run(marked, method, path, given))
        headers = {name.lower(): value for name, value in answer.fields}
        return Answered(answer.status, headers, answer.body)

    def close(self) -> None:
        """End the host."""
        self._loop.run_until_complete(self.service.stop_async())
        self._loop.close()
