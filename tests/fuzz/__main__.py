"""Run schemathesis against the typed example, by the OpenAPI document that ffhost writes."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.fronts.test_parity import free_port

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "typed-api"
FFHOST = [sys.executable, "-m", "ffhost"]


def wait_until_ready(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}/_ffhost/ready", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise SystemExit("the example does not serve")


def main(arguments: list[str]) -> int:
    """Serve the example, fuzz it, and give the exit status of schemathesis."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serve = [*FFHOST, "serve", "--port", str(port), "--set", "logging.invocations=false"]
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.yaml"
        written = subprocess.run([*FFHOST, "openapi"], cwd=EXAMPLE, check=True, capture_output=True)
        document.write_bytes(written.stdout)
        server = subprocess.Popen(serve, cwd=EXAMPLE, stdout=subprocess.DEVNULL)
        try:
            wait_until_ready(url)
            fuzz = [str(Path(sys.executable).parent / "schemathesis"), "run", str(document)]
            options = arguments or ["--max-examples", "200"]
            return subprocess.run([*fuzz, "--url", url, *options], cwd=folder).returncode
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
