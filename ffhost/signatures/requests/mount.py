"""Where a function is mounted: which part of a path is the mount's, and what follows it.

The part before moves into ``SCRIPT_NAME`` or ``root_path``, so that what is mounted routes and
writes links as if it were alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from ffhost.web.messages import Message


class RequestMount:
    """Where an application or a function is mounted.

    Args:
        parts: the segments of the function's path, None for a parameter
    """

    def __init__(self, parts: tuple[str | None, ...]) -> None:
        self._parts = parts

    def split(self, root: str, path: str, decode: Callable[[str], str] = str) -> tuple[str, str]:
        """Move the mount's segments from the beginning of *path* to the end of *root*.

        Nothing moves if *path* is not below the mount, as where a single target gets every
        other path as well.

        Args:
            root: where the host itself is mounted, usually empty
            path: what follows it
            decode: makes text of a part of the path, to compare it
        """
        count = len(self._parts)
        parts = path.split("/", count + 1)[1 : count + 1]
        if len(parts) < count or not all(
            part if wanted is None else decode(part) == wanted
            for wanted, part in zip(self._parts, parts, strict=True)
        ):
            return root, path
        length = sum(len(part) + 1 for part in parts)
        return root + path[:length], path[length:]

    def in_environ(self, environ: dict[str, Any]) -> None:
        """Move the mount from ``PATH_INFO`` to ``SCRIPT_NAME``."""
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = self.split(
            environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", ""), _text
        )

    def root_path(self, root: str, path: str) -> str:
        """Return the ``root_path`` for ASGI, whose *path* contains it."""
        if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
            below, _ = self.split(root, path[len(root) :])
            if below != root:
                return below
        below, _ = self.split("", path)
        return below or root


def _text(part: str) -> str:
    """Decode a part of ``PATH_INFO``, which holds bytes as latin-1."""
    return part.encode("latin-1").decode(errors="replace")


class MountedRequestMessage(Message):
    """A message whose ``root_path`` contains the mount of the function."""

    is_mounted = True

    __slots__ = ("_inner", "_mount")

    def __init__(self, inner: Message, mount: RequestMount) -> None:
        self._inner = inner
        self._mount = mount
        for name in ("method", "path", "query", "body", "scheme", "client", "server"):
            setattr(self, name, getattr(inner, name))
        self.http_version = inner.http_version
        self.params = inner.params
        root = mount.root_path(inner.root_path, unquote(inner.path))
        self.root_path = inner.root_path if "\ufffd" in root else root

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the header fields by lower-case name."""
        return self._inner.headers

    def environ(self) -> dict[str, Any] | None:
        """Return the WSGI environ with the mount in ``SCRIPT_NAME``; None if it came by ASGI."""
        given = self._inner.environ()
        if given is not None:
            given = dict(given)
            self._mount.in_environ(given)
        return given

    def scope(self) -> dict[str, Any] | None:
        """Return the ASGI scope with the mount in ``root_path``; None if it came by WSGI."""
        given = self._inner.scope()
        if given is not None:
            given = dict(given, root_path=self.root_path)
        return given
