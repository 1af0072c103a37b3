"""What a browser loads: the page, its modules and its styles, from the package.

One hash over all files is a part of their address, so that a browser keeps them until one changes,
and modules find each other by relative names.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from ffhost.errors import NotFound
from ffhost.web.messages import Reply

PREFIX = "/console/"
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_EVER = ("cache-control", "public, max-age=31536000, immutable")


class ConsoleStaticFiles:
    """The files of the package, read once."""

    def __init__(self) -> None:
        folder = files("ffhost.host.console") / "pages"
        self._files = {
            each.name: each.read_bytes()
            for each in sorted(folder.iterdir(), key=lambda each: each.name)
            if each.name.rpartition(".")[2] in _TYPES
        }
        whole = hashlib.sha256()
        for name, content in self._files.items():
            whole.update(f"{name} {len(content)}\n".encode() + content)
        self.hash = whole.hexdigest()[:16]

    def index(self) -> Reply:
        """Return the page, which holds no data."""
        body = self._files["index.html"].replace(b"/console/HASH/", self.prefix.encode())
        return Reply(200, [("content-type", _TYPES["html"]), ("cache-control", "no-store")], body)

    @property
    def prefix(self) -> str:
        """Return what the addresses of the present files begin with."""
        return f"{PREFIX}{self.hash}/"

    def file(self, path: str) -> Reply:
        """Return the file at *path*.

        Raises:
            NotFound: there is none, or not with this content
        """
        name = path.removeprefix(self.prefix)
        if name == path or name not in self._files:
            raise NotFound("unknown file of the console")
        kind = _TYPES[name.rpartition(".")[2]]
        return Reply(200, [("content-type", kind), _FOR_EVER], self._files[name])
