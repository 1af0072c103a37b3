"""An app folder as its image would hold and run it: read-only, by a user that is not root."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving import eventually, free_port

NOBODY = 65534


@dataclass
class Image:
    """A folder laid out as the Dockerfile does it."""

    root: Path

    @property
    def app(self) -> Path:
        """Give what is ``/app`` in the image."""
        return self.root / "app"

    @property
    def mount(self) -> Path:
        """Give what is ``/etc/ffhost`` in the image, over which a ConfigMap is mounted."""
        return self.root / "etc-ffhost"

    @property
    def tmp(self) -> Path:
        """Give the only folder that can be written to."""
        return self.root / "tmp"

    def mount_config_map(self, version: str, text: str) -> None:
        """Do what the kubelet does with a ConfigMap: a new folder, and a link that is turned."""
        os.chmod(self.mount, 0o755)
        folder = self.mount / f"..{version}"
        folder.mkdir()
        (folder / "functions.yaml").write_text(text)
        (self.mount / "..data_tmp").symlink_to(folder.name)
        (self.mount / "..data_tmp").rename(self.mount / "..data")
        link = self.mount / "functions.yaml"
        if not link.is_symlink():
            link.unlink(missing_ok=True)
            link.symlink_to("..data/functions.yaml")


@contextmanager
def image(built: Path) -> Iterator[Image]:
    """Lay out the app folder *built*: configuration apart and linked, nothing writable."""
    root = Path(tempfile.mkdtemp(prefix="ffhost-image-"))
    found = Image(root)
    try:
        root.chmod(0o755)
        shutil.copytree(built, found.app)
        found.mount.mkdir()
        (found.app / "functions.yaml").rename(found.mount / "functions.yaml")
        (found.app / "functions.yaml").symlink_to(found.mount / "functions.yaml")
        found.tmp.mkdir()
        if os.geteuid() == 0:
            os.chown(found.tmp, NOBODY, NOBODY)
        for folder in (found.app, found.mount):
            for path in (folder, *folder.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & ~0o222 | stat.S_IROTH)
        yield found
    finally:
        for path in (found.app, found.mount):
            for each in (path, *path.rglob("*")):
                if each.is_dir() and not each.is_symlink():
                    each.chmod(0o755)
        shutil.rmtree(root, ignore_errors=True)


@dataclass
class Served:
    """An app that runs."""

    process: subprocess.Popen[str]
    port: int

    def get(self, path: str) -> tuple[int, str]:
        """Call a path; give status and body, 0 while nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except ConnectionError:
            return 0, ""
        finally:
            connection.close()

    def stop(self) -> tuple[int, str]:
        """Send SIGTERM; give the exit status and what was written."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output


def leaving_root() -> list[str]:
    """Give the command that goes on as a user who may write nowhere, for tests run by root.

    It may read everywhere, because the interpreter may lie in a home that is root's alone.
    """
    if os.geteuid() != 0:
        return []
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("setpriv is needed to run as another user than root")
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return [program, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *reading]


@contextmanager
def served(found: Image, programs: Path) -> Iterator[Served]:
    """Run the Procfile's line in *found*, with the commands in *programs*."""
    line = (found.app / "Procfile").read_text().removeprefix("web: ").strip()
    port = free_port()
    process = subprocess.Popen(
        [*leaving_root(), "/bin/sh", "-c", f"exec {line}"],
        cwd=found.app,
        env={
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": "/nonexistent",
            "TMPDIR": str(found.tmp),
            "PORT": str(port),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    running = Served(process, port)
    try:
        eventually(
            lambda: process.poll() is not None or running.get("/_ffhost/ready")[0] == 200, "ready"
        )
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0])
        yield running
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
