"""Commands that describe a configuration work where its secrets and variables are not set."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.commands import ffhost

CONFIG = """\
env_file: local.env
server: {port: "${PORT_HERE}"}
auth:
  ci: {keys: {a: {from_env: CI_KEY}, b: {from_file: /nowhere/b}}}
  tokens: {jwt: {secret: {from_env: JWT_SECRET}, audience: a}}
  hook: {webhook: {scheme: standard, secret: {from_env: HOOK_SECRET}}}
functions:
  hello:
    target: main.py:hello
    auth: [ci, tokens]
    config: {token: {from_env: TOKEN}, url: "https://${HOST_HERE}/x"}
    timeout: ${TIMEOUT_HERE}
  hook: {target: main.py:hello, auth: hook}
"""
UNSEEN = (
    "note: not set here, and not looked at: /nowhere/b, CI_KEY, HOOK_SECRET, HOST_HERE, "
    "JWT_SECRET, PORT_HERE, TIMEOUT_HERE, TOKEN, local.env\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "functions.yaml").write_text(CONFIG, encoding="utf-8-sig")
    (tmp_path / "main.py").write_text("def hello(request):\n    return 'hi'\n")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "functions",
        "openapi",
        "check --no-import",
        "plan functions.yaml functions.yaml",
        "export kubernetes",
        "export cloudrun",
        "build",
    ],
)
def test_a_command_names_what_it_did_not_see(project: Path, command: str) -> None:
    ran = ffhost(*command.split(), cwd=project)
    assert ran.status == 0
    assert UNSEEN in ran.err


def test_what_serves_still_needs_them(project: Path) -> None:
    ran = ffhost("check", cwd=project)
    assert ran.status == 2
    assert "server.port: the environment variable 'PORT_HERE' is not set" in ran.err


def test_a_target_cannot_be_passed_over(project: Path) -> None:
    text = CONFIG.replace("main.py:hello, auth: hook", '"${WHICH}", auth: hook')
    (project / "functions.yaml").write_text(text)
    ran = ffhost("check", "--no-import", cwd=project)
    assert ran.status == 2
    assert "functions.hook.target: the environment variable 'WHICH' is not set" in ran.err


def test_compose_writes_what_it_refers_to(project: Path) -> None:
    assert ffhost("build", "--out", "app", cwd=project).status == 0
    assert ffhost("export", "compose", "--out", "deploy", cwd=project).status == 0
    deploy = project / "deploy"
    (service,) = yaml.safe_load((deploy / "compose.yaml").read_text())["services"].values()
    assert (deploy / service["build"]["context"]).resolve() == (project / "app").resolve()
    for volume in service["volumes"]:
        assert (deploy / volume.partition(":")[0]).is_dir()
    assert "TOKEN=\n" in (deploy / ".env.example").read_text()


def test_white_space_around_the_value_of_a_variable_is_ignored(project: Path) -> None:
    (project / "functions.yaml").write_text("functions: {a: {target: main.py:hello}}\n")
    environ = {"FFHOST_SERVER__HOST": " 127.0.0.1\n", "PORT": " 81 "}
    shown = ffhost("config", "--format", "yaml", cwd=project, environ=environ).out
    assert 'host: "127.0.0.1"  #' in shown
    assert "port: 81  #" in shown


def test_data_can_be_read_from_a_file_that_is_named_as_for_curl(project: Path) -> None:
    (project / "functions.yaml").write_text("functions: {a: {target: main.py:echo}}\n")
    (project / "main.py").write_text("def echo(request):\n    return request.get_data()\n")
    (project / "body.txt").write_text("the body")
    assert "the body" in ffhost("invoke", "a", "--data", "@body.txt", cwd=project).out
