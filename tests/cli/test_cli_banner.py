"""What is written once the first worker serves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ffhost.cli.banner import ServeBanner
from ffhost.config import ConfigSources, load_config
from ffhost.host.service import Service
from ffhost.server import ListeningAddress


def test_what_a_worker_describes_is_announced_with_the_addresses(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text("def hello(request):\n    return 'hello'\n")
    (tmp_path / "functions.yaml").write_text(
        "logging: {format: console}\nfunctions: {hello: {target: 'main.py:hello'}}\n"
    )
    sources = ConfigSources(config="functions.yaml", cwd=tmp_path)
    config = load_config(sources)
    service = Service(sources, embedded=True)
    service.start()
    sent = json.loads(json.dumps(ServeBanner.describe(service)))
    capfd.readouterr()  # entries about loading, where another test has set up the log
    ServeBanner(config).serving([ListeningAddress("public", ("127.0.0.1", 8080))], sent)
    assert capfd.readouterr().out.splitlines() == [
        f"ffhost serves 1 function on http://127.0.0.1:8080, revision {config.revision}",
        "hello  *  http://127.0.0.1:8080/hello  http  main.py:hello",
    ]
