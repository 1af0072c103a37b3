"""Functions that bring their own packages, each in a virtual environment of its own.

Environments are furnished by hand here: what pip would install is linked from where the tests run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ffhost.config import ConfigSources, LoadedConfig, load_config
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.watched_requirements import FOLDER, MADE
from ffhost.deploy.environments.install_failures import (
    EnvironmentInstallFailed,
    explain_install_failure,
)
from ffhost.deploy.environments.installer import make_virtual_environment
from ffhost.deploy.environments.needed_environment import (
    NeededEnvironment,
    environment_for_requirements,
    environment_needed_by,
)
from ffhost.deploy.environments.version_conflicts import requirements_contradict
from ffhost.errors import ConfigError
from ffhost.testing import Client, client
from tests.commands import ffhost
from tests.environments import link_packages, packages_of
from tests.environments import make as make_place

MAIN = """
import os, sys
import ffhost
import tiny

def version(request):
    return {"version": tiny.VERSION, "env": os.environ["VIRTUAL_ENV"], "python": sys.executable}

def undeclared(request):
    import hypothesis

async def both(request):
    return [(await ffhost.call(name)).json()["version"] for name in ("one", "two")]
"""
CONFIG = """
functions:
  one: {target: main.py:version, isolation: process, requirements: one.txt}
  two: {target: main.py:version, isolation: process, requirements: [two.txt]}
  undeclared: {target: main.py:undeclared, isolation: process, requirements: one.txt}
"""
ROUNDS = int(os.environ.get("ENVIRONMENT_ROUNDS", "4"))
"""How often a requirements file changes under load."""


def furnish(needed: NeededEnvironment, version: str) -> None:
    """Make an environment with what ffhost needs and one version of the package ``tiny``.

    All versions have the same size and time, so Python would take the compiled file of one for
    another's. Only a folder keeps them apart: ``__pycache__`` beside the links is shared.
    """
    if needed.state() is None:
        return
    make_place(needed.place)
    link_packages(needed.place)
    tiny = packages_of(needed.place) / "tiny" / "__init__.py"
    tiny.parent.mkdir()
    tiny.write_text(f"VERSION = {version!r}\n")
    os.utime(tiny, (315532800, 315532800))
    needed.record.write_text("{}")


def written(folder: Path, **files: str) -> LoadedConfig:
    (folder / "main.py").write_text(MAIN)
    (folder / "functions.yaml").write_text(CONFIG)
    for name, text in {"one": "tiny==1\n", "two": "tiny==2\n", **files}.items():
        (folder / f"{name}.txt").write_text(text)
    return load_config(ConfigSources(config="functions.yaml", environ={}, cwd=folder))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environments")
    config = written(folder)
    for name, version in (("one", "1"), ("two", "2")):
        needed = environment_needed_by(config, name)
        assert needed is not None
        furnish(needed, version)
    return folder


@pytest.fixture(scope="module")
def host(place: Path) -> Iterator[Client]:
    with client(place) as made:
        yield made


def test_two_versions_of_a_package_are_served_behind_one_port(host: Client, place: Path) -> None:
    one, two = host.get("/one").json(), host.get("/two").json()
    assert (one["version"], two["version"]) == ("1", "2")
    assert one["env"].startswith(str(place / FOLDER / "py"))
    assert one["python"] == f"{one['env']}/bin/python"
    assert one["env"] != two["env"]


def test_what_is_not_declared_fails_to_import(host: Client) -> None:
    assert host.get("/undeclared").status == 500


def test_a_function_with_an_environment_is_called_by_name(host: Client, place: Path) -> None:
    (place / "calling.py").write_text(MAIN.replace("import tiny\n", ""))
    text = f"{CONFIG}  both: {{target: calling.py:both}}\n"
    (place / "calling.yaml").write_text(text)
    with client(place / "calling.yaml") as calling:
        assert calling.get("/both").json() == ["1", "2"]


def test_an_import_that_fails_inside_an_environment_is_told_with_its_file(place: Path) -> None:
    (place / "wrong.py").write_text("import hypothesis\ndef f(request): ...\n")
    text = "functions: {f: {target: wrong.py:f, isolation: process, requirements: one.txt}}\n"
    (place / "wrong.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        client(place / "wrong.yaml").__enter__()
    (problem,) = caught.value.problems
    assert problem.message == (
        "wrong.py was found, but it imports 'hypothesis', which is not installed "
        "in the environment of one.txt"
    )
    assert problem.hint == "add it to one.txt, then: ffhost install"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tiny==3\n", "the environment of three.txt for Python {python} has not been made"),
        (None, "three.txt: no such file or directory"),
        (
            "tiny==\nother==\n",
            "three.txt:1:1: expected a requirement such as 'requests>=2.31', got 'tiny=='",
        ),
    ],
    ids=["not made", "no file", "wrong lines"],
)
def test_a_missing_environment_keeps_the_host_from_starting(
    tmp_path: Path, text: str | None, said: str
) -> None:
    (problem,) = problems_of_start(tmp_path, text, "")
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert problem.message == said.format(python=python)
    if text == "tiny==3\n":
        assert problem.hint == "run: ffhost install"


def test_what_cannot_be_installed_while_developing_is_told_at_the_start(tmp_path: Path) -> None:
    text = "--no-index\ntiny==3\n"
    (problem,) = problems_of_start(tmp_path, text, "server: {debug: true}\n")
    assert problem.message.startswith("there is no version of ")
    assert problem.notes


def problems_of_start(folder: Path, requirements: str | None, more: str) -> Sequence[ConfigProblem]:
    """Return the problems of a function that needs ``three.txt``, which has that text if any."""
    (folder / "main.py").write_text("def f(request): ...\n")
    text = "functions: {f: {target: main.py:f, isolation: process, requirements: three.txt}}\n"
    (folder / "functions.yaml").write_text(text + more)
    if requirements is not None:
        (folder / "three.txt").write_text(requirements)
    with pytest.raises(ConfigError) as caught:
        client(folder / "functions.yaml").__enter__()
    return caught.value.problems


def test_a_changed_requirements_file_replaces_the_processes_of_its_function(place: Path) -> None:
    folder = place / "changing"
    folder.mkdir()
    config = written(folder)
    furnish(environment_needed_by(config, "two"), "2")  # type: ignore[arg-type]
    for version in ("1", "3"):
        furnish(environment_for_requirements(folder, ["one.txt"], ()), version)
        (folder / "one.txt").write_text("tiny==3\n")
    ended, answers = threading.Event(), list[tuple[int, str]]()

    def call() -> None:
        while not ended.is_set():
            answer = host.get("/one")
            answers.append((answer.status, answer.json().get("version")))

    written(folder)
    with client(folder) as host:
        threads = [threading.Thread(target=call) for _ in range(2)]
        for each in threads:
            each.start()
        try:
            kept = host.service.host.functions["two"].processes
            for turn in range(ROUNDS):
                wanted = "13"[(turn + 1) % 2]
                (folder / "one.txt").write_text(f"tiny=={wanted}\n")
                assert host.service.reload(), host.service.reload_error
                assert host.get("/one").json()["version"] == wanted
            assert host.service.host.functions["two"].processes is kept
            (folder / "one.txt").write_text("tiny==4\n")
            assert not host.service.reload()
            assert "has not been made" in str(host.service.reload_error)
            assert host.get("/one").status == 200
        finally:
            ended.set()
            for each in threads:
                each.join()
    assert {status for status, _ in answers} == {200}
    assert {version for _, version in answers} == {"1", "3"}


# The name, and what is refused.


def test_the_name_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("tiny==1  # the smallest\n\n-r more.txt\n")
    (tmp_path / "more.txt").write_text("other>=2\n")
    first = environment_for_requirements(tmp_path, ["a.txt"], ())
    (tmp_path / "a.txt").write_text("# begins\ntiny==1\n-r more.txt\n")
    assert environment_for_requirements(tmp_path, ["a.txt"], ()).place == first.place
    assert environment_for_requirements(tmp_path, ["a.txt"], {"flask"}).place != first.place
    (tmp_path / "more.txt").write_text("other>=3\n")
    assert environment_for_requirements(tmp_path, ["a.txt"], ()).place != first.place


def test_functions_framework_is_taken_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("functions-framework==3.*\ntiny==1\n")
    needed = environment_for_requirements(tmp_path, ["a.txt"], ())
    lines = needed.texts["0.txt"].splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["tiny==1"]
    assert needed.extras == ("flask",)  # it would have brought it


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("pydantic<2", "pydantic<2 contradicts pydantic<3,>="),
        ("pydantic==1.10.*", "pydantic==1.10.* contradicts pydantic<3,>="),
        ("cloudevents==1.12", "cloudevents==1.12 cannot be installed: ffhost has the names"),
        ("./mine", "a path cannot be installed in an environment"),
    ],
)
def test_what_ffhost_cannot_run_beside_is_refused_in_words(
    tmp_path: Path, line: str, said: str
) -> None:
    written(tmp_path, one=f"tiny==1\n{line}\n")
    ran = ffhost("install", cwd=tmp_path)
    assert ran.status == 2
    assert ran.err.startswith(f"one.txt:2:1: {said}")
    assert line in ran.err
    assert not (tmp_path / ".ffhost").exists()


def test_requirements_contradict_if_no_version_satisfies_both() -> None:
    assert requirements_contradict("a<2", "a>=2.7,<3")
    assert requirements_contradict("a==2.6.1 --hash=sha256:1", "a>=2.7")
    assert not requirements_contradict("a>=1", "a>=2.7,<3")
    assert not requirements_contradict("a; python_version < '3'", "a>=2")


def test_requirements_are_for_isolated_functions(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(
        "functions: {f: {target: 'main.py:f', requirements: one.txt}}\n"
    )
    with pytest.raises(ConfigError, match="'requirements' is for functions with isolation"):
        load_config(ConfigSources(config="functions.yaml", environ={}, cwd=tmp_path))


# ffhost install.


def test_install_checks_tells_and_prunes(tmp_path: Path) -> None:
    config = written(tmp_path)
    one, two = environment_needed_by(config, "one"), environment_needed_by(config, "two")
    assert one is not None
    assert two is not None
    furnish(one, "1")
    other = tmp_path / FOLDER / f"py3.9-{two.place.name.rpartition('-')[2]}"
    other.mkdir()
    (other / "ffhost.json").write_text("{}")
    checked = ffhost("install", "--check", cwd=tmp_path)
    assert checked.status == 1
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert (
        f"two: the environment of two.txt for Python {python} has not been made; there is one "
        "for Python 3.9; run: ffhost install\n" in checked.err
    )
    assert f"one: {one.place.name} is there\n" in checked.out
    pruned = ffhost("install", "one", "--prune", cwd=tmp_path)
    assert pruned.out == f"one: {one.place.name} is there\nremoved {other.name}\n"
    assert (tmp_path / FOLDER / MADE).read_text() == f"{one.place.name}\n"
    (one.place / "bin" / "python").unlink()
    assert "is gone" in str(one.state())


def test_pruning_keeps_what_the_functions_need_that_were_not_named(tmp_path: Path) -> None:
    config = written(tmp_path)
    for name in ("one", "two"):
        needed = environment_needed_by(config, name)
        assert needed is not None
        furnish(needed, "1")
    pruned = ffhost("install", "one", "--prune", cwd=tmp_path)
    assert "removed" not in pruned.out
    assert ffhost("install", "--check", cwd=tmp_path).status == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("tow",), "the configuration has no function 'tow'\n  hint: did you mean 'two'?"),
        (("--check", "--prune"), "--check changes nothing"),
        (("--requirements", "one.txt", "one"), "--requirements goes without functions"),
        (("--requirements", "one.txt", "--prune"), "--requirements goes without functions"),
    ],
)
def test_what_cannot_be_installed_is_told(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    written(tmp_path)
    ran = ffhost("install", *options, cwd=tmp_path)
    assert ran.status == 2
    assert said in ran.err


def wheel(folder: Path, version: str) -> str:
    """Write a wheel of the package ``tiny``; return its hash."""
    path = folder / f"tiny-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny.py", f"VERSION = {version!r}\n")
        info = f"tiny-{version}.dist-info"
        file.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest) -> str:
    if request.param == "uv" and shutil.which("uv") is None:
        pytest.skip("uv is not installed here")
    return str(request.param)


def test_an_installer_makes_an_environment_once_however_many_want_it(
    tmp_path: Path, installer: str
) -> None:
    line = f"tiny==1.0 --hash=sha256:{wheel(tmp_path, '1.0')}"
    text = f"--no-index\n--find-links {tmp_path}\n{line}\n"
    place = tmp_path / FOLDER / "py3-made"
    needed = NeededEnvironment(place, ("a.txt",), {"0.txt": text}, ("0.txt",), True, (), ())
    made: list[bool] = []
    threads = [
        threading.Thread(target=lambda: made.append(make_virtual_environment(needed, installer)))
        for _ in range(2)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(made) == [False, True]
    code = "import tiny; print(tiny.VERSION)"
    ran = subprocess.run([str(needed.python), "-c", code], stdout=subprocess.PIPE, text=True)
    assert ran.stdout == "1.0\n"
    assert (tmp_path / FOLDER / MADE).read_text() == "py3-made\n"
    missing = text.replace(line, "tiny==9.0")
    place = place.with_name("py3-missing")
    needed = NeededEnvironment(place, ("a.txt",), {"0.txt": missing}, ("0.txt",), False, (), ())
    with pytest.raises(
        EnvironmentInstallFailed, match=r"there is no version of tiny==9.0 for Python 3"
    ) as no:
        make_virtual_environment(needed, installer)
    assert no.value.notes
    assert needed.state() is not None


def test_a_requirement_with_a_hash_takes_no_other_file(tmp_path: Path, installer: str) -> None:
    wheel(tmp_path, "1.0")
    text = f"--no-index\n--find-links {tmp_path}\ntiny==1.0 --hash=sha256:{'0' * 64}\n"
    place = tmp_path / FOLDER / "py3-other"
    needed = NeededEnvironment(place, ("a.txt",), {"0.txt": text}, ("0.txt",), True, (), ())
    with pytest.raises(EnvironmentInstallFailed):
        make_virtual_environment(needed, installer)
    assert needed.state() is not None


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ERROR: Package 'a' requires a different Python: 3.11 not in '>=3.13'", "another version"),
        ("ERROR: Failed building wheel for lxml\nmore", "no wheel of lxml"),
        ("Because tiny was not found in the package registry", "no version of tiny"),
        ("ERROR: ResolutionImpossible: for help visit", "contradict each other"),
        ("something else", "the installer failed"),
    ],
)
def test_what_an_installer_says_is_told_in_words(output: str, said: str) -> None:
    failed = explain_install_failure(output)
    assert said in str(failed)
    assert failed.notes[0] == output.splitlines()[0]


def test_an_image_has_a_layer_for_each_environment(tmp_path: Path) -> None:
    written(tmp_path)
    assert ffhost("build", cwd=tmp_path).status == 0
    steps = (tmp_path / "build" / "Dockerfile").read_text()
    at = [
        steps.index(each)
        for each in (
            "-r requirements.txt",
            "COPY one.txt ./\nRUN /venv/bin/ffhost install --installer pip --requirements one.txt",
            "COPY two.txt ./\nRUN /venv/bin/ffhost install --installer pip --requirements two.txt",
            "COPY . .",
        )
    ]
    assert at == sorted(at)
    assert (tmp_path / "build" / "one.txt").read_text() == "tiny==1\n"
    (tmp_path / "two.txt").rename(tmp_path / "requirements.txt")
    (tmp_path / "functions.yaml").write_text(CONFIG.replace("two.txt", "requirements.txt"))
    assert "call it other than requirements.txt" in ffhost("build", cwd=tmp_path).err
