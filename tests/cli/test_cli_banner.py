"""What several workers leave for the announcement of one server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ffhost.cli.banner import Banner
from ffhost.config import Sources, load_config
from ffhost.host.service import Service


def test_workers_that_are_ready_at_once_leave_one_table(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text("def hello(request):\n    return 'hello'\n")
    (tmp_path / "functions.yaml").write_text(
        "logging: {format: console}\nfunctions: {hello: {target: 'main.py:hello'}}\n"
    )
    sources = Sources(config="functions.yaml", cwd=tmp_path)
    banner = Banner(load_config(sources))
    service = Service(sources, embedded=True)
    service.start()
    begin, go = os.pipe()
    workers = []
    for _ in range(8):
        worker = os.fork()
        if worker == 0:
            os.close(go)
            os.read(begin, 1)  # ends for all of them at once
            banner.note(service)
            os._exit(0)
        workers.append(worker)
    os.close(go)
    os.close(begin)
    assert [os.waitpid(worker, 0)[1] for worker in workers] == [0] * 8
    banner.announce([])
    assert capfd.readouterr().out.count("hello") >= 1
