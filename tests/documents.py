"""The commands that documents show: found, and run as a reader would run them.

A page's ``sh`` blocks are run from top to bottom in a copy of an example, which
``<!-- example: NAME -->`` names (``none`` is an empty folder), or of its folder in
``tests/pages``. Servers run in the background until the next one starts or the page ends, on
a port that is free; whoever calls one that was not started gets ``ffhost serve``. What
``ffhost install`` installs is linked, so that no registry is needed. A ``text`` block right
after a block holds lines of its output, ``...`` standing for anything.

A block whose first line is ``# make cluster: REASON`` is run by ``make cluster`` alone, and one
that begins with ``# not run: REASON`` by nobody.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from tests.environments import put_uv
from tests.forking import Python
from tests.serving import eventually, free_port

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md"), ROOT / "README.md"])
DEFAULT_EXAMPLE = "quickstart"

_BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n^```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
_SERVERS = ("ffhost serve", "ffhost dev", "gunicorn ", "uvicorn ")
_SHELL = set("|&;<>$`*")


@dataclass(frozen=True)
class Block:
    """One block of a page: its commands, and lines of what they write."""

    page: Path
    line: int
    commands: tuple[str, ...]
    output: tuple[str, ...]
    marked: str | None

    @property
    def where(self) -> str:
        """Give file and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Find the ``sh`` blocks of *page*."""
    text = page.read_text()
    found = []
    for match in _BLOCK.finditer(text):
        lines = match[1].replace("\\\n", " ").splitlines()
        marked = next(
            (word for word in ("make cluster", "not run") if lines[0].startswith(f"# {word}: ")),
            None,
        )
        commands = tuple(line for line in lines if line.strip() and not line.startswith("#"))
        output = tuple((match[2] or "").splitlines())
        number = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, number, commands, output, marked))
    return found


def folder_of(page: Path) -> Path | None:
    """Give the folder that a page's commands are run in a copy of; None for an empty one."""
    if page.parent.parent.name == "examples":
        return page.parent
    own = ROOT / "tests" / "pages" / page.stem
    if own.is_dir():
        return own
    named = re.search(r"<!-- example: ([\w-]+) -->", page.read_text())
    example = named[1] if named else DEFAULT_EXAMPLE
    return None if example == "none" else ROOT / "examples" / example


@dataclass
class Reader:
    """Somebody who types the commands of one page.

    Args:
        folder: where they are typed
        without: programs that are not there
        programs: folder of programs that come first
    """

    folder: Path
    without: Sequence[str] = ()
    programs: Path | None = None
    port: int = field(default_factory=free_port)
    exported: dict[str, str] = field(default_factory=dict)
    _server: Python | None = None

    def run(self, block: Block) -> None:
        """Type the commands of *block*; fail where one does."""
        output = ""
        for command in block.commands:
            output += self.type(command.replace("8080", str(self.port)), block)
        for line in block.output:
            pattern = ".*".join(map(re.escape, line.strip().split("...")))
            shown = output.replace(str(self.port), "8080")
            assert re.search(pattern, shown), f"{block.where}: no {line!r} in:\n{shown}"

    def type(self, command: str, block: Block) -> str:
        """Type one command; give what it writes."""
        words = shlex.split(command, comments=True)
        if words[0] in ("export", "unset"):
            self._change_environment(words)
            return ""
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            return ""
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
            return ""
        if "pip install" in command or "-m venv" in command:
            _check_install(words)
            return ""
        if any(re.search(rf"\b{program}\b", command) for program in self.without):
            return ""
        if any(command.startswith(server) for server in _SERVERS):
            self.serve(words)
            return ""
        if "localhost" in command and self._server is None:
            self.serve(["ffhost", "serve"])
        return self._run(command, words, block)

    def _change_environment(self, words: list[str]) -> None:
        for word in words[1:]:
            name, _, value = word.partition("=")
            if words[0] == "unset":
                self.exported.pop(name, None)
            else:
                self.exported[name] = value

    @property
    def environ(self) -> dict[str, str]:
        """Give the environment of a command."""
        folders = [self.programs, Path(sys.executable).parent, os.environ["PATH"]]
        path = ":".join(str(each) for each in folders if each)
        kept = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8"}
        return {**kept, **self.exported}

    def _run(self, command: str, words: list[str], block: Block) -> str:
        if words[0] == "ffhost" and not _SHELL & set("".join(words)):
            status, output = self._run_ffhost(words[1:])
        else:
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            status, output = done.returncode, done.stdout + done.stderr
        assert status == 0, f"{block.where}: {command}\nexit status {status}\n{output}"
        return output

    def _run_ffhost(self, words: list[str]) -> tuple[int, str]:
        with tempfile.NamedTemporaryFile("r") as file:
            output = Path(file.name)
            command = ["-m", "ffhost", *words]
            status = Python(command, self.folder, self.environ, output, output).wait()
            return status, file.read()

    def serve(self, words: list[str]) -> None:
        """Start a server in the place of the one that runs."""
        self.stop()
        log = self.folder / ".server.log"
        settings = {"SERVER__DRAIN_DELAY": "0s", "ADMIN__PORT": str(free_port())}
        ours = {f"FFHOST_{path}": value for path, value in settings.items()}
        environ = {"PORT": str(self.port), **ours, **self.environ}
        self._server = Python(["-m", *words], self.folder, environ, log, log)
        eventually(self._answers, f"{words}: ready")
        assert self._server.poll() is None, f"{shlex.join(words)}:\n{log.read_text()}"

    def _answers(self) -> bool:
        assert self._server is not None
        if self._server.poll() is not None:
            return True
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/_ffhost/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        """End the server, if one runs."""
        if self._server is not None:
            self._server.kill_all()
            self._server = None


def _check_install(words: list[str]) -> None:
    """Check that the extras which a ``pip install`` names are there."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for word in words:
        extras = re.fullmatch(r"(?:ffhost|\.)\[([\w,]+)\]", word)
        if extras:
            assert set(extras[1].split(",")) <= set(known["optional-dependencies"])


def read(
    page: Path,
    folder: Path,
    *,
    cluster: bool = False,
    without: Sequence[str] = (),
) -> None:
    """Run the commands of *page* below *folder*.

    Args:
        cluster: whether those that are marked for ``make cluster`` are run, and packages are
            installed from a registry
        without: programs whose commands are left out
    """
    copied = folder / "project"
    source = folder_of(page)
    if source is None:
        copied.mkdir()
    else:
        ignored = shutil.ignore_patterns("build", "__pycache__")
        shutil.copytree(source, copied, ignore=ignored)
    programs = None if cluster else folder / "programs"
    if programs:
        put_uv(programs)
    reader = Reader(copied, without, programs)
    try:
        for block in blocks(page):
            if block.marked is None or (cluster and block.marked == "make cluster"):
                reader.run(block)
    finally:
        reader.stop()
