"""Entries read back: a file that the log is written to, parsed as JSON."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from ffhost.observability import logs

ROOT = Path(__file__).resolve().parent.parent


def settings(**changes):
    """The `logging` block with its defaults, but JSON also at a terminal."""
    values = {
        "level": "info",
        "levels": {},
        "format": "json",
        "profile": "default",
        "stream": "stdout",
        "max_entry": 256 * 1024,
        "invocations": True,
        "redact": [],
        "show": [],
        "capture_print": False,
    }
    return SimpleNamespace(**(values | changes), written=frozenset(changes))


class Log:
    """What was logged since the test began, on the two streams."""

    def __init__(self, folder: Path) -> None:
        self._files = [folder / "out", folder / "err"]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.descriptors = [os.open(path, flags) for path in self._files]

    def configure(self, *, revision="r1", **changes):
        options = {
            name: changes.pop(name)
            for name in ("debug", "plain_name", "legacy", "environ")
            if name in changes
        }
        # pytest's own handlers raise what user code does wrong in its arguments.
        logging.root.handlers = [
            one for one in logging.root.handlers if not type(one).__module__.startswith("_pytest")
        ]
        out, err = self.descriptors
        options.setdefault("environ", {})
        return logs.configure_logging(
            settings(**changes), revision=revision, out=out, err=err, **options
        )

    def text(self, stream=0):
        logs.flush_log()
        return self._files[stream].read_text()

    def entries(self, stream=0):
        return [json.loads(line) for line in self.text(stream).splitlines()]

    def messages(self, stream=0):
        return [entry["message"] for entry in self.entries(stream)]

    def only(self, stream=0):
        (entry,) = self.entries(stream)
        return entry

    def close(self):
        logs.reset_logging()
        logs.set_log_fields_source(None)
        for logger in logging.root.manager.loggerDict.values():
            logger.disabled = False
        for descriptor in self.descriptors:
            os.close(descriptor)


@contextmanager
def reading(folder):
    log = Log(folder)
    try:
        yield log
    finally:
        log.close()


PREAMBLE = """
import sys, logging
sys.path[:0] = [{tests!r}, {root!r}]
from ffhost.observability import logs
from tests.log_reading import settings
"""


def run(code, *, environ=None, **streams):
    """Run *code* in a process of its own; give its exit status, stdout and stderr."""
    preamble = PREAMBLE.format(tests=str(ROOT / "tests"), root=str(ROOT))
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    done = subprocess.run(
        [sys.executable, "-c", preamble + textwrap.dedent(code)],
        env={**os.environ, **(environ or {})},
        timeout=60,
        check=False,
        **streams,
    )
    return done.returncode, done.stdout, done.stderr


def parsed(output: bytes):
    return [json.loads(line) for line in output.decode().splitlines()]
