"""Running ``ffhost`` in this process, as a shell would see it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from ffhost.cli import main


class Ran(NamedTuple):
    """How a command ended: its exit status, and what it wrote."""

    status: int
    out: str
    err: str


def ffhost(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, stdin: bytes = b""
) -> Ran:
    """Run ``ffhost`` with *arguments* in *cwd*; *environ* is the whole environment."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    before, folder = dict(os.environ), Path.cwd()
    given, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    plain, path = sys.modules.pop("main", None), list(sys.path)
    os.environ.clear()
    os.environ.update(environ or {})
    os.chdir(cwd)
    status: object = 0
    try:
        with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
            main(list(arguments))
    except SystemExit as ended:
        status = ended.code
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
        sys.stdin, sys.path[:] = given, path
        sys.modules.pop("main", None)  # a single target without a file keeps its plain name
        if plain is not None:
            sys.modules["main"] = plain
    texts = []
    for stream in streams:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    assert status is None or isinstance(status, int)
    return Ran(status or 0, *texts)


def project(folder: Path, config: str, **sources: str) -> Path:
    """Write ``functions.yaml`` and the sources, ``main`` for ``main.py``, into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "functions.yaml").write_text(dedent(config).lstrip("\n"))
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(dedent(text).lstrip("\n"))
    return folder
