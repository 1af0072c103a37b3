"""The steps of an image that make the environments of functions with ``requirements``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.watched_requirements import requirement_files_in_settings
from ffhost.deploy.app.dependencies import REQUIREMENTS, app_files_by_folder
from ffhost.errors import ConfigError
from ffhost.loading.targets import find_target_place


class DockerEnvironmentStep(NamedTuple):
    """One environment: what is copied before it is made, and what ``ffhost install`` is told."""

    copied: tuple[str, ...]
    files: tuple[str, ...]
    extras: tuple[str, ...]


def environments_in_image(
    config: LoadedConfig, base: Path
) -> tuple[list[DockerEnvironmentStep], set[Path]]:
    """Return the environments of all functions, and the sources that run in them.

    Raises:
        ConfigError: their files cannot be installed, or have a name that the app uses
    """
    from ffhost.deploy.environments.needed_environment import environment_needed_by

    steps: dict[DockerEnvironmentStep, None] = {}
    sources: set[Path] = set()
    for name, function in config.settings.functions.items():
        needed = environment_needed_by(config, name)
        if needed is None:
            continue
        copied = [
            os.path.relpath(each, base) for each in requirement_files_in_settings(function, base)
        ]
        if REQUIREMENTS in copied or any(each.startswith("..") for each in copied):
            path = ("functions", name, "requirements")
            message = "a requirement file of a function is copied into the app under its own path"
            hint = f"put it below this folder, and call it other than {REQUIREMENTS} here"
            raise ConfigError([ConfigProblem(".".join(path), message, config.locate(path), hint)])
        steps[DockerEnvironmentStep(tuple(copied), needed.files, needed.extras)] = None
        source = find_target_place(function.target, function.source, config.base).file
        if source is not None:
            sources.add(source)
    return list(steps), sources


def docker_environment_steps(steps: Iterable[DockerEnvironmentStep]) -> str:
    """Write the lines of a Dockerfile; a changed file makes one environment anew."""
    lines: list[str] = []
    for copied, files, extras in steps:
        for folder, names in app_files_by_folder(copied):
            prefix = f"{folder}/" if folder else ""
            lines.append(f"COPY {' '.join(prefix + each for each in names)} ./{prefix}")
        options = [f"--requirements {each}" for each in files]
        options += [f"--extra {each}" for each in extras]
        lines.append(f"RUN /venv/bin/ffhost install --installer pip {' '.join(options)}")
    return "".join(f"{line}\n" for line in lines)
