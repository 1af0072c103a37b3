"""The first stage of a Dockerfile, done by hand: its steps in folders instead of an image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """The stage that ``ffhost build`` writes to install an app.

    Args:
        built: the app folder, which COPY reads
        root: what is ``/`` in the image
        environ: variables of every step
    """

    built: Path
    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def app(self) -> Path:
        """Return what is ``/app`` in the image."""
        return self.root / "app"

    @property
    def venv(self) -> Path:
        """Return what is ``/venv`` in the image."""
        return self.root / "venv"

    def run(self) -> list[str]:
        """Do the steps, with a Python of their own; return the commands that were run."""
        self.app.mkdir(parents=True)
        (self.root / "etc").mkdir()
        system = self.root / "system"
        subprocess.run([sys.executable, "-m", "venv", str(system)], check=True)
        self.environ["PATH"] = f"{system / 'bin'}:/usr/bin:/bin"
        ran = []
        for name, value in self._steps():
            if name == "ENV":
                self.environ |= dict(word.split("=", 1) for word in self._here(value).split())
            elif name == "COPY":
                self._copy(*value.split())
            elif name == "RUN":
                ran.append(value)
                self._run(self._here(value))
        return ran

    def _steps(self) -> list[tuple[str, str]]:
        text = (self.built / "Dockerfile").read_text().replace("\\\n", " ")
        stages = re.split(r"(?m)^FROM ", text)
        lines = [line for line in stages[1].splitlines()[1:] if line and line[0] != "#"]
        return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]

    def _here(self, text: str) -> str:
        """Return *text* with the image's folders replaced by ours."""
        return re.sub(r"(?<![\w./])/(app|venv|etc/ffhost)\b", rf"{self.root}/\1", text)

    def _copy(self, *names: str) -> None:
        *sources, target = names
        for name in sources:
            if name == ".":
                shutil.copytree(self.built, self.app, dirs_exist_ok=True)
            else:
                (self.app / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(self.built / name, self.app / target)

    def _run(self, command: str) -> None:
        kept = ("HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
        base = {name: os.environ[name] for name in kept if name in os.environ}
        base |= {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "POETRY_"))}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.app,
            env={**base, **self.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
