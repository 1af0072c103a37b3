"""The steps that install what an app needs: the lock, files with hashes, everything else.

ffhost comes last, so that the lock's own installer does not remove it. Only text is made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote

from ffhost.deploy.app.dependencies import (
    PROJECT,
    REQUIREMENTS,
    AppDependencies,
    app_files_by_folder,
)
from ffhost.deploy.app.pyproject import DependencyLock
from ffhost.deploy.app.requirements import FRAMEWORK

_PIP = "/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check"
_IN_IMAGE = {"uv": "--no-cache ", "poetry": "--no-cache --no-interaction --compile "}


def image_requirements(needed: AppDependencies, ours: str) -> str:
    """Write the file that pip installs last: the project's own files and *ours*."""
    lines = [
        "# Written by ffhost build: the project's own requirements, and ffhost with the extras",
        "# that the configuration needs. Change those and build again.",
        *(f"-r {name}" for name in needed.plain),
    ]
    lines += [f"{each}  # {file}" for each, file in needed.listed]
    return "\n".join([*lines, ours]) + "\n"


def docker_install_steps(needed: AppDependencies) -> str:
    """Write the lines of a Dockerfile that install into ``/venv``."""
    lines = list(_lock_lines(needed.lock)) if needed.lock else []
    others = [name for name in needed.files if not _belongs_to(needed.lock, name)]
    for folder, names in app_files_by_folder([*others, REQUIREMENTS]):
        lines.append(f"COPY {_words(f'{folder}/' if folder else '', names)} ./{folder}")
        lines[-1] += "/" if folder else ""
    lines += [f"RUN {_PIP} \\\n      --require-hashes -r {name}" for name in needed.hashed]
    lines.append(f"RUN {_PIP} \\\n      -r {REQUIREMENTS}")
    lines += [f"RUN {_PIP} \\\n      --no-deps {quote(each)}" for each in needed.apart]
    if (needed.lock or needed.hashed) and not needed.apart:
        lines.append("# Fails if the last step needs other versions than those before it.")
        lines.append("RUN /venv/bin/python -m pip check")
    return "\n".join(lines)


def image_install_commands(needed: AppDependencies) -> list[str]:
    """Return the commands that install into the active virtual environment."""
    steps = []
    if needed.lock:
        steps.append(_lock_command(needed.lock, {"uv": "--active ", "poetry": ""}))
        if needed.lock.tool == "poetry" and needed.lock.has_framework:
            steps.append(f"pip uninstall -y {FRAMEWORK}")
    steps += [f"pip install --require-hashes -r {name}" for name in needed.hashed]
    steps.append(f"pip install -r {REQUIREMENTS}")
    return [*steps, *(f"pip install --no-deps {quote(each)}" for each in needed.apart)]


def _lock_lines(lock: DependencyLock) -> Iterator[str]:
    prefix = "" if lock.folder == "." else f"{lock.folder}/"
    yield f"COPY {prefix}{PROJECT} {lock.path} ./{prefix}"
    install = f"RUN python -m pip install --no-cache-dir --disable-pip-version-check {lock.tool}"
    if lock.tool == "uv":
        yield "ENV UV_PROJECT_ENVIRONMENT=/venv UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never"
        yield f"{install} \\\n && {_lock_command(lock, _IN_IMAGE)}"
        return
    yield "ENV VIRTUAL_ENV=/venv"
    removed = f" \\\n && /venv/bin/python -m pip uninstall -y {FRAMEWORK}"
    end = removed if lock.has_framework else ""
    yield f"{install} \\\n && {_lock_command(lock, _IN_IMAGE)}{end}"


def _lock_command(lock: DependencyLock, options: Mapping[str, str]) -> str:
    """Return the command that installs what *lock* holds, and not the project itself."""
    where = "" if lock.folder == "." else f" --directory {lock.folder}"
    if lock.tool == "poetry":
        return f"poetry install {options['poetry']}--only main --no-root{where}"
    without = f" --no-install-package {FRAMEWORK}" if lock.has_framework else ""
    return f"uv sync {options['uv']}--frozen --no-dev --no-install-project{without}{where}"


def _belongs_to(lock: DependencyLock | None, name: str) -> bool:
    if lock is None:
        return False
    prefix = "" if lock.folder == "." else f"{lock.folder}/"
    return name in (f"{prefix}{PROJECT}", lock.path)


def _words(prefix: str, names: list[str]) -> str:
    return " ".join(f"{prefix}{name}" for name in names)
