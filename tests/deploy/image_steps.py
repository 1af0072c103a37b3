"""The steps of a Dockerfile, run by hand: its folders become folders of a temporary one.

``python`` of the base image is a fresh virtual environment. COPY and RUN are as in the file; what
is not understood is an error. Good for what ``ffhost build`` writes, and for nothing else.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_FOLDERS = ("/app", "/venv", "/etc/ffhost")
_SECONDS = 900


class Image:
    """An image that is built step by step below *root*, from the app folder *context*."""

    def __init__(self, root: Path, context: Path, environ: dict[str, str]) -> None:
        self.root, self.context = root, context
        self.commands: list[str] = []
        """What RUN has run."""
        self.serve: list[str] = []
        self._environ = dict(environ)
        self._stages = 0
        (root / "etc").mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", root / "base"], check=True)

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment of a command, that of the base image included."""
        path = f"{self.root / 'base/bin'}:/usr/bin:/bin"
        values = {"PATH": path, "HOME": str(self.root), **self._environ}
        values["PATH"] = values["PATH"].replace("$PATH", path)
        return values

    def build(self) -> None:
        """Run all steps."""
        text = (self.context / "Dockerfile").read_text()
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for line in "\n".join(lines).replace("\\\n", " ").splitlines():
            if line.strip():
                word, _, rest = line.partition(" ")
                getattr(self, f"_{word.lower()}")(rest.strip())

    def here(self, text: str) -> str:
        """Return *text* with the folders of the image as those on this machine."""
        names = "|".join(map(re.escape, _FOLDERS))
        return re.sub(rf"(?<![\w/.-])({names})(?![\w-])", rf"{self.root}\1", text)

    def _from(self, _image: str) -> None:
        self._stages += 1

    def _workdir(self, folder: str) -> None:
        Path(self.here(folder)).mkdir(parents=True, exist_ok=True)

    def _env(self, pairs: str) -> None:
        for pair in shlex.split(self.here(pairs)):
            name, _, value = pair.partition("=")
            self._environ[name] = value

    def _copy(self, words: str) -> None:
        if words.startswith("--from"):
            return  # the stages share their folders
        *sources, where = shlex.split(words)
        target = Path(self.here("/app")) / where
        for source in sources:
            if source == ".":
                shutil.copytree(self.context, target, dirs_exist_ok=True)
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.context / source, target / Path(source).name)

    def _run(self, command: str) -> None:
        self.commands.append(" ".join(command.split()))
        ran = subprocess.run(
            ["sh", "-e", "-c", self.here(command)],
            cwd=self.here("/app"),
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"

    def _cmd(self, command: str) -> None:
        self.serve = list(map(str, json.loads(command)))

    def _ignored(self, _rest: str) -> None:
        """Pass over what says how the image is run."""

    _arg = _user = _expose = _healthcheck = _stopsignal = _ignored
