"""``ffhost doctor``: what it looks at, and what it calls a problem."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement

from ffhost import __version__
from ffhost.cli.installation import _EXTRAS, missing_in_installation
from tests.commands import ffhost, project

ROOT = Path(__file__).parents[2]
CONFIG = """
    server: {host: 127.0.0.1, port: PORT}
    auth: {staff: {jwt: {issuer: 'https://id.example.com', audience: a}}}
    functions: {hello: {target: 'main.py:hello'}}
"""


def found(
    folder: Path, *, environ: Mapping[str, str] | None = None
) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """Return the exit status, and state and text of every finding by its topic."""
    ran = ffhost("doctor", "--format", "json", cwd=folder, environ=environ)
    topics: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(ran.out):
        topics.setdefault(each["topic"], []).append((each["state"], each["text"]))
    return ran.status, topics


def laid_out(folder: Path, port: int) -> Path:
    source = "def hello(request): return 'hello'\n"
    return project(folder, CONFIG.replace("PORT", str(port)), main=source)


def free_port() -> tuple[socket.socket, int]:
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    return probe, probe.getsockname()[1]


def test_an_installation_that_can_serve_is_described(tmp_path: Path) -> None:
    probe, port = free_port()
    probe.close()
    status, topics = found(laid_out(tmp_path, port))
    assert status == 0
    assert topics["ffhost"][0][1].startswith(f"{__version__} on Python 3.")
    assert "falcon 4." in topics["packages"][0][1]
    assert topics["extra auth"][0][0] == "ok"
    assert topics["port"] == [("ok", f"server: 127.0.0.1:{port} is free")]
    assert topics["configuration"] == [
        ("ok", "functions.yaml: 1 function; 'ffhost check' imports them")
    ]


def test_a_port_that_is_taken_is_a_problem(tmp_path: Path) -> None:
    probe, port = free_port()
    with probe:
        probe.listen()
        status, topics = found(laid_out(tmp_path, port))
    expected = f"server: 127.0.0.1:{port} cannot be bound: address already in use"
    assert (status, topics["port"]) == (1, [("problem", expected)])


def test_mistakes_of_the_configuration_and_of_its_functions_are_problems(tmp_path: Path) -> None:
    project(tmp_path, "functions: {hello: {target: 'main.py:helo'}}", main="def hello(r): ...\n")
    status, topics = found(tmp_path)
    assert status == 1
    ((state, text),) = topics["configuration"]
    assert (state, "main.py does not define 'helo'" in text) == ("problem", True)
    project(tmp_path, "functions: {hello: {tagret: 'main.py:hello'}}")
    status, topics = found(tmp_path)
    assert (status, topics["configuration"][0][0]) == (1, "problem")


def test_a_folder_without_a_configuration_is_not_a_problem(tmp_path: Path) -> None:
    status, topics = found(tmp_path)
    assert (status, topics["configuration"]) == (0, [("note", "functions.yaml: no such file")])


def test_variables_that_a_file_makes_void_are_told(tmp_path: Path) -> None:
    _, topics = found(laid_out(tmp_path, 1024), environ={"THREADS": "8"})
    assert topics["environment"] == [
        ("note", "THREADS is set and not read: there is a configuration file")
    ]


def test_people_get_lines_with_hints(tmp_path: Path) -> None:
    lines = ffhost("doctor", cwd=tmp_path).out.splitlines()
    assert lines[0].startswith("ok      ffhost")
    assert lines[-1].lstrip().startswith("hint: 'ffhost init' writes one")


def test_versions_that_do_not_fit_are_named() -> None:
    wanted = map(Requirement, ["falcon<1", "no-such-package-of-ours>=2", "click"])
    first, second = missing_in_installation(wanted)
    assert first.endswith(" is installed, and ffhost needs <1")
    assert second == "no-such-package-of-ours is not installed"


def test_every_extra_for_users_is_looked_at() -> None:
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    others = {"agents", "all", "dev", "docs", "cluster"}
    assert set(declared["optional-dependencies"]) - others == set(_EXTRAS)
