"""The generated files of an app folder. Only text is made here; nothing is read or written.

The image keeps the configuration in a folder of its own, with links to it beside the
functions. A ConfigMap or volume mounted over that folder replaces it: relative sources
are still found, and the links point to what is mounted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ffhost.deploy.app.dependencies import AppDependencies
from ffhost.deploy.app.environment_steps import DockerEnvironmentStep, docker_environment_steps
from ffhost.deploy.app.install_steps import docker_install_steps

USER_ID = 10001
"""The user of the image. Kubernetes can only check a number for not being root."""
APP_FOLDER = "/app"
CONFIG_FOLDER = "/etc/ffhost"
"""The folder that a ConfigMap is mounted over."""


@dataclass(frozen=True, slots=True)
class GeneratedApp:
    """The values that the texts depend on.

    Args:
        config: what ``-c`` names in the app: a file, ``.`` for the folder, None without one
        config_files: the files of the configuration
        variables: environment of the one function, without a configuration
        port: where the server listens unless ``PORT`` says otherwise
        python: version of Python, such as ``3.12``
        env_file: the dotenv file that the configuration names, or None
        needed: what the image installs
        environments: what functions with requirements of their own need
    """

    config: str | None
    config_files: Sequence[str]
    variables: dict[str, str]
    port: int
    python: str
    env_file: str | None
    needed: AppDependencies
    environments: Sequence[DockerEnvironmentStep] = ()


def image_config_path(config: str) -> str:
    """Return the path of the configuration in the image."""
    return APP_FOLDER if config == "." else f"{APP_FOLDER}/{config}"


def dockerfile(app: GeneratedApp) -> str:
    """Write a Dockerfile of two stages. The image has no pip cache, compiler or root user."""
    environment = {"PATH": "/venv/bin:$PATH", "PYTHONUNBUFFERED": "1", "PORT": str(app.port)}
    if app.config is not None:
        environment["FFHOST_CONFIG"] = image_config_path(app.config)
    environment |= app.variables
    compiled, copied = f"RUN /venv/bin/python -m compileall -q {APP_FOLDER}", ""
    if app.config_files:
        names = " ".join(_quoted(name) for name in app.config_files)
        links = " ".join(_quoted(f"{CONFIG_FOLDER}/{name}") for name in app.config_files)
        compiled += f" \\\n && mkdir {CONFIG_FOLDER} && mv {names} {CONFIG_FOLDER}/"
        compiled += f" \\\n && ln -s {links} ./"
        copied = (
            f"# A ConfigMap or volume mounted over {CONFIG_FOLDER} replaces the configuration.\n"
            f"COPY --from=build {CONFIG_FOLDER} {CONFIG_FOLDER}\n"
        )
    return f"""\
# Written by ffhost build. Changes are kept: a file that was changed is not overwritten.
ARG PYTHON_VERSION={app.python}

FROM python:${{PYTHON_VERSION}}-slim AS build
WORKDIR {APP_FOLDER}
RUN python -m venv /venv
{docker_install_steps(app.needed)}
{docker_environment_steps(app.environments)}COPY . .
{compiled}

FROM python:${{PYTHON_VERSION}}-slim
{_environment(environment)}
COPY --from=build /venv /venv
COPY --from=build {APP_FOLDER} {APP_FOLDER}
{copied}WORKDIR {APP_FOLDER}
USER {USER_ID}:{USER_ID}
EXPOSE {app.port}
# Nothing is written below {APP_FOLDER}: run it with a read-only root and a tmpfs at /tmp.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \\
  CMD ["python", "-c", {json.dumps(_probe())}]
STOPSIGNAL SIGTERM
CMD ["ffhost", "serve"]
"""


def _probe() -> str:
    return (
        "import os, urllib.request as r; "
        "r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/_ffhost/live', timeout=2)"
    )


def _environment(values: dict[str, str]) -> str:
    pairs = [f"{name}={_quoted(value)}" for name, value in values.items()]
    return "ENV " + " \\\n    ".join(pairs)


def _quoted(text: str) -> str:
    """Quote *text* for a Dockerfile and for a shell if it needs that."""
    plain = all(char.isalnum() or char in "/._-:$" for char in text)
    return text if plain and text else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def dockerignore(app: GeneratedApp) -> str:
    """Write the ``.dockerignore`` file."""
    lines = [
        ".*",
        "**/.*",
        "**/__pycache__",
        "**/*.pyc",
        "Dockerfile",
        "Procfile",
        "project.toml",
    ]
    if app.env_file:
        lines.append(f"!{app.env_file}")
    return "# Written by ffhost build.\n" + "\n".join(lines) + "\n"


def image_serve_command(app: GeneratedApp) -> str:
    """Return the command that serves the app from its folder."""
    if app.config is not None:
        return f"ffhost serve -c {_quoted(app.config)}"
    flags = {
        "FUNCTION_TARGET": "--target",
        "FUNCTION_SOURCE": "--source",
        "FUNCTION_SIGNATURE_TYPE": "--signature-type",
    }
    given = [f"{flags[name]} {_quoted(value)}" for name, value in app.variables.items()]
    return " ".join(["ffhost serve", *given])


def procfile(app: GeneratedApp) -> str:
    """Write the Procfile for buildpacks and other tools."""
    return f"web: {image_serve_command(app)}\n"


def project_toml(app: GeneratedApp) -> str:
    """Write ``project.toml`` for Cloud Native Buildpacks: Python's version and what is left out."""
    return f"""\
# Written by ffhost build, for Cloud Native Buildpacks (pack build).
[_]
schema-version = "0.2"

[io.buildpacks]
exclude = [".git", "**/__pycache__", "Dockerfile", ".dockerignore"]

# Each builder has its own name for the version of Python.
[[io.buildpacks.build.env]]
name = "BP_CPYTHON_VERSION"
value = "{app.python}.*"

[[io.buildpacks.build.env]]
name = "GOOGLE_RUNTIME_VERSION"
value = "{app.python}.x"
"""


def app_entry_point(app: GeneratedApp, front: str) -> str:
    """Write ``wsgi.py`` or ``asgi.py``, for another server."""
    servers = {"wsgi": "gunicorn wsgi:app", "asgi": "uvicorn asgi:app"}
    if app.config is not None:
        where = (
            f'Path(__file__).parent / "{app.config}"'
            if app.config != "."
            else ("Path(__file__).parent")
        )
        imports = "import os\nfrom pathlib import Path\n"
        settings = f'os.environ.setdefault("FFHOST_CONFIG", str({where}))\n'
    else:
        imports = "import os\n"
        settings = "".join(
            f"os.environ.setdefault({json.dumps(name)}, {json.dumps(value)})\n"
            for name, value in app.variables.items()
        )
    return f'''\
"""The {front.upper()} application, for a server of your own: ``{servers[front]}``."""

{imports}
{settings}
from ffhost.{front} import app  # noqa: E402

__all__ = ["app"]
'''


def empty_image_env_file() -> str:
    """Write an empty dotenv file: the real one may hold secrets and is not copied."""
    return "# Written by ffhost build: in the image variables come from its environment.\n"
