"""Requests by ``wrk``, and what came of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HOW_TO_GET_WRK = (
    "wrk is not installed; Debian and Ubuntu: apt-get install wrk, Fedora: dnf install wrk, "
    "macOS: brew install wrk"
)


class LoadError(Exception):
    """A server did not answer as it should; the message says how."""


@dataclass(frozen=True)
class Request:
    """What is asked, again and again.

    Args:
        body: sent with POST; none means GET
        repeat: how often the body is repeated
        connections: how many clients ask at once
        large: whether the answer is so large that its client must not copy it (`discarding`)
    """

    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    repeat: int = 1
    connections: int = 16
    large: bool = False

    def script(self) -> str:
        """Write the request for wrk."""
        lines = [f"wrk.headers[{_lua(key)}] = {_lua(value)}" for key, value in self.headers.items()]
        if self.body:
            lines += [
                'wrk.method = "POST"',
                f"wrk.body = string.rep({_lua(self.body)}, {self.repeat})",
            ]
        return "\n".join(lines)


def _lua(text: str) -> str:
    return json.dumps(text)  # the same for what is used here


def check_wrk() -> None:
    """Make sure that wrk is there.

    Raises:
        LoadError: it is not; says how to get it
    """
    if shutil.which("wrk") is None:
        raise LoadError(HOW_TO_GET_WRK)


def requests_per_second(url: str, request: Request, seconds: int) -> float:
    """Ask for *seconds* and count the answers.

    Raises:
        LoadError: an answer was no 2xx, or none came
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "request.lua"
        script.write_text(request.script())
        output = subprocess.run(
            ["wrk", "-t1", f"-c{request.connections}", f"-d{seconds}s", "-s", script, url],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if bad:
        raise LoadError(f"{bad[1]} answers of {url} were no 2xx")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None or float(found[1]) == 0:
        raise LoadError(f"{url} did not answer")
    return float(found[1])
