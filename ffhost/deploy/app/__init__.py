"""The function-to-app converter: functions and their configuration in, an app folder out.

The folder runs wherever Python does, and holds what containers and buildpacks need. Nothing
here runs user code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ffhost import __version__
from ffhost.config import ConfigSources, LoadedConfig
from ffhost.deploy.app import generated_files, install_steps
from ffhost.deploy.app.app_files import MANIFEST, GatheredAppFiles, gather_app_files
from ffhost.deploy.app.dependencies import (
    REQUIREMENTS,
    AppDependencies,
    find_app_dependencies,
)
from ffhost.deploy.app.environment_steps import environments_in_image
from ffhost.deploy.app.extras import extras_needed_in_image, packages_of_extras
from ffhost.deploy.app.generated_files import (
    APP_FOLDER,
    CONFIG_FOLDER,
    USER_ID,
    GeneratedApp,
    image_config_path,
)
from ffhost.deploy.app.output_folder import AppFilesChangedByHand, WrittenAppFiles, write_app_folder
from ffhost.deploy.app.requirements import requirement_accepts
from ffhost.deploy.app.uncovered_imports import Installed, uncovered_imports
from ffhost.deploy.literal_secrets import find_secrets_to_deploy
from ffhost.errors import ConfigError

__all__ = [
    "APP_FOLDER",
    "CONFIG_FOLDER",
    "USER_ID",
    "AppFilesChangedByHand",
    "BuiltApp",
    "WrittenAppFiles",
    "build_app",
    "config_in_app",
    "config_opened_for_app",
    "image_config_path",
    "write_app_folder",
]

_OLDEST_PYTHON = (3, 11)


@dataclass(slots=True)
class BuiltApp:
    """What a build made.

    Args:
        written: what was done with each file
        notes: what the user should know
        install: the commands that install what it needs, in its folder
        command: the command that serves the app from its folder
    """

    written: WrittenAppFiles
    notes: list[str] = field(default_factory=list)
    install: list[str] = field(default_factory=list)
    command: str = ""


def build_app(
    config: LoadedConfig,
    given: ConfigSources,
    out: Path,
    *,
    shown: str | None = None,
    force: bool = False,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    python: str | None = None,
) -> BuiltApp:
    """Write the app of *config* into the folder *out*.

    Args:
        given: what the configuration was made of
        shown: *out* as the user wrote it
        force: overwrite files that were changed since they were written
        exclude: names and patterns to leave out
        include: names and patterns of files to take although they may hold secrets
        python: Python version of the image; None for the running one

    Raises:
        ConfigError: sources are missing, or the image could not install a requirement
        AppFilesChangedByHand: files that would be replaced were changed by hand
    """
    out = Path(os.path.abspath(out))
    opened = config_opened_for_app(config, given)
    found = gather_app_files(config, opened, out, exclude, include)
    base = Path(os.path.abspath(config.base))
    environments, alone = environments_in_image(config, base)
    shared = replace(found, sources=[each for each in found.sources if each not in alone])
    needed = find_app_dependencies(shared.sources, base)
    if needed.problems:
        raise ConfigError(needed.problems)
    extras = extras_needed_in_image(config, shared.sources)
    if needed.framework:
        extras.add("flask")  # which functions-framework would have brought
    if needed.apart:
        extras.add("firebase")  # what it depends on, but for functions-framework
    app = GeneratedApp(
        config=config_in_app(config, opened),
        config_files=found.config_files,
        variables=_variables(config),
        port=config.settings.server.port or 8080,
        python=python or _python(),
        env_file=config.settings.env_file if _is_inner(config.settings.env_file) else None,
        needed=needed,
        environments=environments,
    )
    files = {name: path.read_bytes() for name, path in found.files.items()}
    own = [name for name, text in _generated(app).items() if name in files]
    files |= {name: text for name, text in _generated(app).items() if name not in own}
    files |= needed.files
    files[REQUIREMENTS] = install_steps.image_requirements(needed, _ours(needed, extras)).encode()
    written = write_app_folder(out, files, manifest=MANIFEST, force=force, shown=shown)
    _keep_modes(out, found)
    notes = [*needed.notes, *_notes(found, own, app), *_uncovered(shared, base, needed, extras)]
    texts = {name: found.files[name].read_text("utf-8-sig") for name in found.config_files}
    notes += find_secrets_to_deploy(texts, "image")
    install = install_steps.image_install_commands(needed) + ["ffhost install"] * bool(environments)
    return BuiltApp(written, notes, install, generated_files.image_serve_command(app))


def config_opened_for_app(config: LoadedConfig, given: ConfigSources) -> Path | None:
    """Return the file or folder that *config* was read from; None if there is none."""
    if not config.has_file:
        return None
    return given.cwd / given.named_config


def config_in_app(config: LoadedConfig, opened: Path | None) -> str | None:
    """Return what ``-c`` names in the app's folder."""
    if opened is None:
        return None
    return "." if opened.is_dir() else opened.name


def _generated(app: GeneratedApp) -> dict[str, bytes]:
    generated = {
        "Dockerfile": generated_files.dockerfile(app),
        ".dockerignore": generated_files.dockerignore(app),
        "Procfile": generated_files.procfile(app),
        "project.toml": generated_files.project_toml(app),
        "wsgi.py": generated_files.app_entry_point(app, "wsgi"),
        "asgi.py": generated_files.app_entry_point(app, "asgi"),
    }
    if app.env_file:
        generated[app.env_file] = generated_files.empty_image_env_file()
    return {name: text.encode() for name, text in generated.items()}


def _ours(needed: AppDependencies, extras: Iterable[str]) -> str:
    """Return the requirement of ffhost: this version, unless the project excludes it.

    What a lock holds is kept.
    """
    names = ",".join(sorted(extras))
    wanted = f"ffhost[{names}]" if names else "ffhost"
    locked = needed.lock is not None and "ffhost" in needed.lock.names
    fits = all(requirement_accepts(each, __version__) for each in needed.ours)
    return f"{wanted}=={__version__}" if fits and not locked else wanted


def _variables(config: LoadedConfig) -> dict[str, str]:
    """Return the environment that names the one function, without a file."""
    if config.has_file:
        return {}
    function = next(iter(config.settings.functions.values()))
    variables = {"FUNCTION_TARGET": function.target}
    if function.source is not None:
        variables["FUNCTION_SOURCE"] = function.source
    if function.signature is not None:
        variables["FUNCTION_SIGNATURE_TYPE"] = function.signature
    return variables


def _python() -> str:
    version = max(sys.version_info[:2], _OLDEST_PYTHON)
    return f"{version[0]}.{version[1]}"


def _is_inner(name: str | None) -> bool:
    return name is not None and not os.path.isabs(name) and ".." not in Path(name).parts


def _keep_modes(out: Path, found: GatheredAppFiles) -> None:
    for name, path in found.files.items():
        if os.access(path, os.X_OK) and (out / name).is_file():
            (out / name).chmod(0o755)


def _notes(found: GatheredAppFiles, own: list[str], app: GeneratedApp) -> list[str]:
    notes = [f"{each}: your own file is kept" for each in own]
    for each in found.left_out:
        told = f"mount it, or take it along with --include {each}"
        if each == app.env_file or each.endswith(".env"):
            told = "give its variables to the container"
        notes.append(f"{each}: left out, it may hold secrets; {told}")
    return notes


def _uncovered(
    found: GatheredAppFiles, base: Path, needed: AppDependencies, extras: Iterable[str]
) -> list[str]:
    """Return a note for each module that nothing in the image seems to bring."""
    installed = Installed(needed.names | packages_of_extras(extras))
    notes = [
        f"{where}: the module {name!r} is not in this folder; it has to be among the requirements"
        for name, where in sorted(found.installed.items())
        if not installed.covers(name)
    ]
    folders = [base, base / "src"]
    for each in uncovered_imports(found.sources, found.files.values(), folders, installed):
        where = f"{each.file.relative_to(base).as_posix()}:{each.line}"
        notes.append(f"{where}: imports {each.name!r}, which no requirement seems to bring")
    return notes
