"""An issuer for tests: a real HTTP server whose answers a test chooses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Issuer:
    """What it answers, by path; and which paths were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.url = ""

    def answer(
        self, path: str, body: bytes, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """Answer *path* with *body* from now on."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in (headers or {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.answers[path] = send

    def publish(self, keys: bytes, **members: Any) -> None:
        """Publish *keys*, with a discovery document that leads to them."""
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **members}
        self.answer("/.well-known/openid-configuration", json.dumps(document).encode())
        self.answer("/jwks", keys)

    def dribble(self, path: str, seconds: float) -> None:
        """Answer *path* a byte at a time, for ever."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            try:
                while True:
                    handler.wfile.write(b" ")
                    handler.wfile.flush()
                    time.sleep(seconds)
            except OSError:
                return

        self.answers[path] = send


@contextmanager
def issuer(port: int = 0) -> Iterator[Issuer]:
    """Run an issuer."""
    made = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            answer = made.answers.get(self.path)
            if answer is None:
                self.send_error(404)
            else:
                answer(self)

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
