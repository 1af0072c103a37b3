"""``make conformance``: the conformance suite of MCP against both fronts.

It comes from npm, so node and npx must be installed. Each scenario must make at least one check,
because some pass with none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.serving import eventually, free_port

SUITE = "@modelcontextprotocol/conformance@0.1.13"  # later ones need a newer node
SCENARIOS = (
    "server-initialize",
    "ping",
    "tools-list",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-error",
    "tools-call-with-progress",
    "json-schema-2020-12",
    "dns-rebinding-protection",
)
HERE = Path(__file__).parent
ASGI = ("-m", "ffhost", "serve")
WSGI = ("-m", "gunicorn", "-c", "python:ffhost.gunicorn", "--threads", "8", "ffhost.wsgi:app")


@contextmanager
def served(*command: str) -> Iterator[str]:
    """Serve the tools with *command*; give the address for agents."""
    port = free_port()
    environ = {**os.environ, "PORT": str(port), "FFHOST_SERVER__HOST": "127.0.0.1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=HERE, env=environ, stdout=log, stderr=log
        )
        try:
            eventually(lambda: answers(port) or process.poll() is not None, "it listens")
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            process.wait()


def answers(port: int) -> bool:
    """Say whether somebody listens."""
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def run(url: str, scenario: str) -> bool:
    """Run a scenario; print what it found, and say whether all of at least one check passed."""
    command = ["npx", "--yes", SUITE, "server", "--url", url, "--scenario", scenario]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Passed: (\d+)/(\d+)", ran.stdout)
    passed, checks = (int(found[1]), int(found[2])) if found else (0, 0)
    is_good = ran.returncode == 0 and checks > 0 and passed == checks
    print(f"  {scenario:28} {passed}/{checks}{'' if is_good else '  FAILED'}", flush=True)
    if not is_good:
        print(ran.stdout[-2000:], ran.stderr[-2000:])
    return is_good


def main() -> int:
    """Run every scenario on both fronts."""
    if shutil.which("npx") is None:
        print("npx is not installed")
        return 1
    good = True
    for name, command in (("ffhost serve", ASGI), ("gunicorn ffhost.wsgi:app", WSGI)):
        print(name)
        with served(*command) as url:
            for scenario in SCENARIOS:
                good = run(url, scenario) and good
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
