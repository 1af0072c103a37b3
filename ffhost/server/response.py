"""How an answer of the wsgi interface is written. Knows one request and one socket."""

from __future__ import annotations

from gunicorn.http import wsgi


class Response(wsgi.Response):  # type: ignore[misc]
    """gunicorn's response, sent in one piece, and closing when the front says so."""

    headers_sent: bool
    _head = b""

    def send_headers(self) -> None:
        """Prepare the head, to be sent together with the first bytes of the body."""
        if not self.headers_sent:
            fields = [*self.default_headers(), *(f"{k}: {v}\r\n" for k, v in self.headers)]
            self._head = ("".join(fields) + "\r\n").encode("latin-1")
            self.headers_sent = True

    def write(self, data: bytes) -> None:
        """Send a piece of the body, and the head if this is the first."""
        super().write(data)
        self._send(b"")

    def _emit_body(self, data: bytes) -> None:
        self._send(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def _send(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        if data:
            self.sock.sendall(data)

    def close(self) -> None:
        """Send what is missing to a whole answer."""
        self.send_headers()
        self._send(b"")
        super().close()

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take ``Connection: close`` from the front, which gunicorn ignores in applications."""
        for name, value in headers:
            if len(name) == 10 and name.lower() == "connection" and value.lower() == "close":
                self.must_close = True
        super().process_headers(headers)

    def should_close(self) -> bool:
        """Close also where the body was not read to its end, and the next start is unknown."""
        return bool(self.req.body.failed or super().should_close())

    def default_headers(self) -> list[str]:
        """Leave out ``Server``."""
        return [each for each in super().default_headers() if not each.startswith("Server:")]
