"""``ffhost build``: from functions to an app folder."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

from ffhost.config import ConfigSources, load_config
from ffhost.deploy.app import AppFilesChangedByHand, BuiltApp, build_app
from ffhost.errors import ConfigError

HELLO = "def hello(request):\n    return 'hello'\n"
CONFIG = "functions:\n  hello: {target: 'main.py:hello'}\n"


def lay_out(folder: Path, **files: str) -> None:
    """Write files: ``a__main_py`` is ``a/main.py``."""
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        path = folder / f"{stem.replace('__', '/')}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def built(folder: Path, **options: object) -> BuiltApp:
    given = ConfigSources(cwd=folder, environ=options.pop("environ", {}))  # type: ignore[arg-type]
    return build_app(load_config(given), given, folder / "build", shown="build", **options)  # type: ignore[arg-type]


def app(folder: Path) -> dict[str, str]:
    """Read the app folder without its manifest."""
    out = folder / "build"
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    texts = {path.relative_to(out).as_posix(): path.read_text() for path in files}
    assert texts.pop(".ffhost-build.json")
    return texts


def requirements(folder: Path) -> list[str]:
    lines = (folder / "build" / "requirements.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def problems(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        built(folder)
    assert not (folder / "build").exists()
    return [str(each) for each in raised.value.problems]


def test_an_app_holds_the_functions_and_what_runs_them(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, templates__page_html="<p>")
    built(tmp_path)
    assert list(app(tmp_path)) == [
        ".dockerignore",
        "Dockerfile",
        "Procfile",
        "asgi.py",
        "functions.yaml",
        "main.py",
        "project.toml",
        "requirements.txt",
        "templates/page.html",
        "wsgi.py",
    ]
    assert app(tmp_path)["Procfile"] == "web: ffhost serve -c functions.yaml\n"
    assert requirements(tmp_path) == ["ffhost==0.1.0"]


def test_generated_files_can_be_read_by_whoever_reads_them(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG)
    built(tmp_path)
    files = app(tmp_path)
    ast.parse(files["wsgi.py"])
    ast.parse(files["asgi.py"])
    assert tomllib.loads(files["project.toml"])["_"] == {"schema-version": "0.2"}


def test_only_what_functions_live_in_is_taken(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="functions:\n  a: {target: 'services/a/main.py:hello'}\n",
        services__a__main_py=HELLO,
        services__a__near_py="",
        services__b__main_py=HELLO,
        services__a__tests__test_main_py="",
        notes_md="",
    )
    (tmp_path / "services/a/.git").mkdir()
    (tmp_path / "services/a/.git/config").write_text("")
    venv = tmp_path / "services/a/env"
    venv.mkdir()
    (venv / "pyvenv.cfg").write_text("")
    built(tmp_path)
    own = {name for name in app(tmp_path) if name.endswith(("main.py", "near.py", ".md"))}
    assert own == {"services/a/main.py", "services/a/near.py"}


def test_building_twice_changes_nothing(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG)
    first = built(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "build").rglob("*")}
    second = built(tmp_path)
    assert second.written.unchanged == first.written.created
    assert second.written.updated == second.written.created == second.written.removed == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "build").rglob("*")}


def test_a_changed_source_arrives_and_a_removed_one_leaves(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, old__near_py="")
    built(tmp_path)
    (tmp_path / "main.py").write_text(HELLO + "# changed\n")
    (tmp_path / "old/near.py").unlink()
    again = built(tmp_path).written
    assert (again.updated, again.removed) == (["main.py"], ["old/near.py"])
    assert not (tmp_path / "build/old").exists()


def test_a_change_of_yours_is_kept_while_ours_stays_the_same(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG)
    built(tmp_path)
    (tmp_path / "build/Dockerfile").write_text("FROM mine\n")
    assert built(tmp_path).written.kept == ["Dockerfile"]
    assert app(tmp_path)["Dockerfile"] == "FROM mine\n"


def test_a_changed_file_is_never_overwritten_without_force(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG)
    built(tmp_path)
    (tmp_path / "build/main.py").write_text("# mine\n")
    (tmp_path / "main.py").write_text(HELLO + "# changed\n")
    before = app(tmp_path)
    with pytest.raises(AppFilesChangedByHand) as raised:
        built(tmp_path)
    assert str(raised.value) == (
        "build holds files that were not written by ffhost or have been changed since; "
        "nothing was written, --force overwrites them:\n  main.py"
    )
    assert app(tmp_path) == before
    built(tmp_path, force=True)
    assert app(tmp_path)["main.py"] == HELLO + "# changed\n"


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, build__main_py="# mine\n")
    with pytest.raises(AppFilesChangedByHand):
        built(tmp_path)
    assert (tmp_path / "build/main.py").read_text() == "# mine\n"


def test_files_of_your_own_take_the_place_of_generated_ones(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, wsgi_py="app = 1\n")
    assert built(tmp_path).notes == ["wsgi.py: your own file is kept"]
    assert app(tmp_path)["wsgi.py"] == "app = 1\n"


def test_requirement_files_are_installed_as_they_are_without_functions_framework(
    tmp_path: Path,
) -> None:
    lay_out(
        tmp_path,
        functions_yaml="""\
            functions:
              a: {target: 'a/main.py:hello'}
              b: {target: 'b/main.py:hello', isolation: process}
            """,
        a__main_py=HELLO,
        b__main_py="import flask\n" + HELLO,
        requirements_txt="requests>=2.20\n-e .\n",
        a__requirements_txt="""\
            functions-framework==3.* \\
              ; python_version >= '3.8'  # the old host
            Requests[socks]<3
            cloudevents<=1.12
            -r more.txt
            -r ../requirements.txt
            --extra-index-url https://packages.example.com/simple
            """,
        a__more_txt="pillow >= 10, \\\n  < 12\n",
        b__requirements_txt="\ufeffPILLOW>=11\n-c pins.txt\n",
        b__pins_txt="requests==2.31\n",
    )
    made = built(tmp_path)
    assert requirements(tmp_path) == [
        "-r requirements-app.txt",
        "-r a/requirements.txt",
        "-r b/requirements.txt",
        "ffhost[flask]==0.1.0",
    ]
    files = app(tmp_path)
    assert files["requirements-app.txt"] == "requests>=2.20\n# left out by ffhost build: -e .\n"
    assert files["a/requirements.txt"] == dedent("""\
        # left out by ffhost build: functions-framework==3.* \\
        # left out by ffhost build:   ; python_version >= '3.8'  # the old host
        Requests[socks]<3
        # left out by ffhost build: cloudevents<=1.12
        -r more.txt
        -r ../requirements-app.txt
        --extra-index-url https://packages.example.com/simple
        """)
    assert files["a/more.txt"] == "pillow >= 10, \\\n  < 12\n"
    assert files["b/requirements.txt"] == "PILLOW>=11\n-c pins.txt\n"
    assert "COPY a/more.txt a/requirements.txt ./a/\n" in files["Dockerfile"]
    assert [note.partition(": left out ")[2] for note in made.notes] == [
        "-e .: its modules are in the app",
        "functions-framework==3.*    ; python_version >= '3.8': ffhost takes its place",
        "cloudevents<=1.12: ffhost has the names of cloudevents 1",
    ]
    assert made.install == ["pip install -r requirements.txt"]


def test_firebase_functions_are_installed_without_what_they_pin(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="functions: {hello: {target: 'main.py:hello'}}\n",
        main_py="import firebase_functions\n" + HELLO,
        requirements_txt="firebase-functions>=0.6\nrequests\n",
    )
    made = built(tmp_path)
    assert requirements(tmp_path) == ["-r requirements-app.txt", "ffhost[firebase]==0.1.0"]
    files = app(tmp_path)
    assert files["requirements-app.txt"].splitlines()[-1] == "requests"
    installed = files["Dockerfile"].partition("-r requirements.txt\n")[2]
    assert installed.partition("COPY")[0].endswith("--no-deps 'firebase-functions>=0.6'\n")
    assert made.install[-1] == "pip install --no-deps 'firebase-functions>=0.6'"
    assert [note for note in made.notes if "firebase" in note] == [
        "requirements.txt:1: left out firebase-functions>=0.6: a step of its own installs it, "
        "without what it pins"
    ]


def test_a_file_with_hashes_is_installed_in_a_step_of_its_own(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="functions:\n  a: {target: 'a/main.py:hello'}\n",
        a__main_py=HELLO,
        requirements_txt="-r pinned.txt\n",
        pinned_txt="requests==2.31 \\\n  --hash=sha256:00\n",
        a__requirements_txt="pillow\n",
    )
    made = built(tmp_path)
    assert made.install == [
        "pip install --require-hashes -r requirements-app.txt",
        "pip install -r requirements.txt",
    ]
    assert requirements(tmp_path) == ["-r a/requirements.txt", "ffhost==0.1.0"]
    runs = [value for name, value in instructions(app(tmp_path)["Dockerfile"]) if name == "RUN"]
    assert [run.split()[-1] for run in runs[1:4]] == [
        "requirements-app.txt",
        "requirements.txt",
        "check",
    ]


@pytest.mark.parametrize(
    ("named", "installed"),
    [
        ("ffhost", "ffhost==0.1.0"),
        ("ffhost[flask]>=0.1", "ffhost==0.1.0"),
        ("ffhost==0.0.9", "ffhost"),
        ("ffhost @ https://example.com/ffhost.whl", "ffhost"),
    ],
)
def test_a_version_of_ffhost_that_the_project_names_is_kept(
    tmp_path: Path, named: str, installed: str
) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, requirements_txt=named)
    built(tmp_path)
    assert requirements(tmp_path) == ["-r requirements-app.txt", installed]


def test_dependencies_of_a_project_are_installed(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="functions:\n  a: {target: 'a/main.py:hello'}\n",
        a__main_py=HELLO,
        pyproject_toml="""\
            [project]
            name = "shop"
            dependencies = ["requests>=2", "functions-framework==3.*"]
            """,
        a__pyproject_toml="""\
            [tool.poetry.dependencies]
            python = "^3.11"
            caret = "^1.2.3"
            small = "^0.2"
            tilde = "~1.2"
            exact = "1.0"
            anything = "*"
            range = {version = ">=1,<3", extras = ["x"]}
            """,
    )
    made = built(tmp_path)
    assert requirements(tmp_path) == [
        "requests>=2  # pyproject.toml",
        "caret>=1.2.3,<2  # a/pyproject.toml",
        "small>=0.2,<0.3  # a/pyproject.toml",
        "tilde>=1.2,<1.3  # a/pyproject.toml",
        "exact==1.0  # a/pyproject.toml",
        "anything  # a/pyproject.toml",
        "range[x]>=1,<3  # a/pyproject.toml",
        "ffhost[flask]==0.1.0",
    ]
    assert made.notes == [
        "pyproject.toml: left out functions-framework==3.*: ffhost takes its place"
    ]


def test_dynamic_dependencies_of_a_project_are_read_from_their_files(tmp_path: Path) -> None:
    project = """\
        [project]
        dynamic = ["dependencies"]
        [tool.setuptools.dynamic]
        dependencies = {file = ["needed.in"]}
        """
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, pyproject_toml=project)
    (tmp_path / "needed.in").write_text("requests\n")
    built(tmp_path)
    assert requirements(tmp_path) == ["-r needed.in", "ffhost==0.1.0"]


UV_LOCK = """\
    version = 1
    [[package]]
    name = "shop"
    source = { virtual = "." }
    [[package]]
    name = "functions-framework"
    source = { registry = "https://packages.example.com/simple" }
    """
POETRY_LOCK = """\
    [[package]]
    name = "requests"
    version = "2.31"
    """
PROJECT = "\ufeff[project]\nname = 'shop'\ndependencies = ['functions-framework']\n"


def test_a_lock_is_installed_first_and_ffhost_last(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        main_py=HELLO,
        functions_yaml=CONFIG,
        pyproject_toml=PROJECT,
        uv_lock=UV_LOCK,
        requirements_txt="an-older-export\n",
    )
    made = built(tmp_path)
    without = "--no-install-project --no-install-package functions-framework"
    assert made.install == [
        f"uv sync --active --frozen --no-dev {without}",
        "pip install -r requirements.txt",
    ]
    assert made.notes == ["requirements.txt: not installed, because uv.lock beside it is"]
    assert requirements(tmp_path) == ["ffhost[flask]==0.1.0"]
    files = app(tmp_path)
    assert files["pyproject.toml"].startswith("[project]")
    lines = files["Dockerfile"].replace(" \\\n", "").splitlines()
    (locked,) = (number for number, line in enumerate(lines) if "uv sync" in line)
    assert lines[locked - 2] == "COPY pyproject.toml uv.lock ./"
    assert lines[locked].endswith(f"&& uv sync --no-cache --frozen --no-dev {without}")
    assert lines[locked + 1] == "COPY requirements.txt ./"
    assert lines[locked + 2].endswith(" -r requirements.txt")


def test_a_project_of_poetry_is_installed_from_its_lock_wherever_it_lies(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="functions:\n  a: {target: 'a/main.py:hello'}\n",
        a__main_py="import requests\n" + HELLO,
        a__pyproject_toml=PROJECT,
        a__poetry_lock=POETRY_LOCK,
        requirements_txt="pillow\n",
    )
    made = built(tmp_path)
    assert made.install == [
        "poetry install --only main --no-root --directory a",
        "pip install -r requirements.txt",
    ]
    assert (made.notes, requirements(tmp_path)) == (
        [],
        ["-r requirements-app.txt", "ffhost==0.1.0"],
    )


def test_several_locks_are_an_error_that_names_them(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="functions:\n  a: {target: 'a/main.py:hello'}\n",
        a__main_py=HELLO,
        a__pyproject_toml=PROJECT,
        a__poetry_lock=POETRY_LOCK,
        pyproject_toml=PROJECT,
        uv_lock=UV_LOCK.replace('virtual = "."', 'editable = "lib"'),
    )
    assert problems(tmp_path) == [
        "uv.lock: shop (lib) is a folder here, and a path cannot be installed in the image",
        "uv.lock: an image installs one lock, and there are several: uv.lock, a/poetry.lock",
    ]


def test_what_no_image_can_install_is_reported_with_its_line(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="""\
            functions:
              a: {target: 'a/main.py:hello'}
              b: {target: 'b/main.py:hello'}
              c: {target: 'c/main.py:hello'}
            """,
        a__main_py=HELLO,
        b__main_py=HELLO,
        c__main_py=HELLO,
        a__requirements_txt="-e ./lib\nnot a requirement\n-r ../../other.txt\n-r absent.txt\n",
        b__pyproject_toml="""\
            [project]
            dependencies = ["ours"]
            [tool.uv.sources]
            ours = {path = "../ours"}
            """,
        c__pyproject_toml="[project\n",
    )
    outside = tmp_path.parent / "other.txt"
    assert problems(tmp_path) == [
        "a/requirements.txt:1:1: a path cannot be installed in the image",
        "a/requirements.txt:2:1: expected a requirement such as 'requests>=2.31', "
        "got 'not a requirement'",
        f"{outside}: lies outside the configuration's folder",
        "a/absent.txt: cannot be read",
        "b/pyproject.toml: only uv knows where ours comes from (tool.uv.sources)",
        "c/pyproject.toml: not valid TOML: expected ']' at the end of a table declaration "
        "(at line 1, column 9)",
    ]


def test_src_layouts_and_module_targets_are_taken_along(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="""\
            server: {on_startup: ['tools.hooks:begin']}
            functions:
              a: {target: 'src/shop/api/main.py:hello'}
              b: {target: 'shop.late:hello'}
            """,
        src__shop__api__main_py="from shop import near\nfrom tools import hooks\n" + HELLO,
        src__shop__near_py="import nobody_has_this\n",
        src__shop__late_py=HELLO,
        src__tools__hooks_py="def begin(): ...\n",
        notes_py="",
    )
    (tmp_path / "src/shop/__init__.py").touch()
    (tmp_path / "src/shop/api/__init__.py").touch()
    made = built(tmp_path)
    assert {name for name in app(tmp_path) if name.startswith(("src", "notes"))} == {
        "src/shop/__init__.py",
        "src/shop/api/__init__.py",
        "src/shop/api/main.py",
        "src/shop/late.py",
        "src/shop/near.py",
        "src/tools/hooks.py",
    }
    assert made.notes == [
        "src/shop/near.py:1: imports 'nobody_has_this', which no requirement seems to bring"
    ]


def test_imports_that_nothing_covers_are_named(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        functions_yaml="functions:\n  a: {target: 'a/main.py:hello'}\n",
        a__main_py="""\
            import json, yaml, sklearn, dateutil.parser
            from typing import TYPE_CHECKING
            from near import text
            if TYPE_CHECKING:
                import only_for_types
            try:
                import faster
            except ImportError:
                faster = None
            def hello(request):
                from .inner import deep
            """,
        a__near_py="import a_package_of_nobody\n",
        a__inner__deep_py="import another_of_nobody.part\n",
        a__unused_py="import never_imported\n",
        a__requirements_txt="PyYAML\nscikit-learn\npython-dateutil\n",
    )
    assert built(tmp_path).notes == [
        "a/inner/deep.py:1: imports 'another_of_nobody', which no requirement seems to bring",
        "a/near.py:1: imports 'a_package_of_nobody', which no requirement seems to bring",
    ]


def test_secrets_stay_where_they_are(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        main_py=HELLO,
        functions_yaml="""\
            env_file: app.env
            functions:
              hello: {target: 'main.py:hello', config: {key: {from_file: key.pem}}}
            """,
        app_env="TOKEN=secret\n",
        key_pem="secret",
    )
    made = built(tmp_path)
    assert "secret" not in "".join(
        text for name, text in app(tmp_path).items() if name != "functions.yaml"
    )
    assert made.notes == [
        "app.env: left out, it may hold secrets; give its variables to the container",
        "key.pem: left out, it may hold secrets; mount it, or take it along with --include key.pem",
    ]
    # the configuration names it, so it has to be there
    assert app(tmp_path)["app.env"].startswith("# Written by ffhost build")


def test_files_that_usually_hold_secrets_are_left_out_and_named(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, id_tools_py="", keyboard_txt="")
    secret = ["a.pem", "B.KEY", "id_rsa", "prod.env", ".env", "my-credentials.json"]
    secret += ["service-account-1.json", "store.p12"]
    for name in secret:
        (tmp_path / name).write_text("hush")
    made = built(tmp_path)
    assert "hush" not in "".join(app(tmp_path).values())
    assert {"id_tools.py", "keyboard.txt"} <= app(tmp_path).keys()
    assert sorted(note.partition(":")[0] for note in made.notes) == sorted(secret)
    again = built(tmp_path, include=["*.pem", "store.p12"])
    assert {"a.pem", "store.p12"} <= app(tmp_path).keys()
    assert len(again.notes) == len(secret) - 2


def test_a_link_does_not_carry_along_what_is_left_out(tmp_path: Path) -> None:
    config = CONFIG.replace("py:hello'}", "py:hello', config: {token: {from_file: hidden}}}")
    lay_out(tmp_path, main_py=HELLO, functions_yaml=config, data_txt="fine")
    (tmp_path / ".git").mkdir()
    for name in ("hidden", ".git/config", "tls.pem", ".dotfile"):
        (tmp_path / name).write_text("hush")
    for number, name in enumerate(("hidden", ".git/config", "tls.pem", ".dotfile", "data.txt")):
        (tmp_path / f"link{number}").symlink_to(tmp_path / name)
    os.link(tmp_path / "hidden", tmp_path / "hard")
    built(tmp_path)
    assert "hush" not in "".join(app(tmp_path).values())
    assert app(tmp_path)["link4"] == "fine"


def test_a_target_that_is_not_there_is_reported_at_its_line(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml="functions:\n  a: {target: 'main.py:helo'}\n")
    (problem,) = problems(tmp_path)
    assert problem.startswith("functions.yaml:2:15: functions.a.target: ")


def test_sources_above_the_configuration_are_refused(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        main_py=HELLO,
        inner__functions_yaml="functions: {a: {target: '../main.py:hello'}}\n",
    )
    given = ConfigSources(cwd=tmp_path / "inner")
    with pytest.raises(ConfigError, match=r"'\.\./main\.py' lies outside the configuration's"):
        build_app(load_config(given), given, tmp_path / "build")


def test_one_function_without_a_configuration_becomes_an_app(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO)
    made = built(tmp_path, environ={"FUNCTION_TARGET": "hello"})
    assert made.command == "ffhost serve --target hello --source main.py"
    assert requirements(tmp_path) == ["ffhost[flask]==0.1.0"]
    assert "    FUNCTION_TARGET=hello \\\n" in app(tmp_path)["Dockerfile"]


def test_the_manifest_tells_what_was_written(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG)
    built(tmp_path)
    manifest = json.loads((tmp_path / "build/.ffhost-build.json").read_text())
    assert set(manifest["written"]) == set(app(tmp_path))


def test_an_executable_file_stays_executable(tmp_path: Path) -> None:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, tool_sh="#!/bin/sh\n")
    (tmp_path / "tool.sh").chmod(0o755)
    built(tmp_path)
    assert os.access(tmp_path / "build/tool.sh", os.X_OK)


# The Dockerfile, by the rules of hadolint that concern it.


def instructions(text: str) -> list[tuple[str, str]]:
    joined = text.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


@pytest.fixture
def docker(tmp_path: Path) -> list[tuple[str, str]]:
    lay_out(tmp_path, main_py=HELLO, functions_yaml=CONFIG, requirements_txt="-c pins.txt\n")
    lay_out(tmp_path, pins_txt="requests==2.31\n")
    built(tmp_path, python="3.12")
    return instructions(app(tmp_path)["Dockerfile"])


def test_the_image_ends_as_a_numbered_user_that_is_not_root(docker: list[tuple[str, str]]) -> None:
    users = [value for name, value in docker if name == "USER"]
    assert users == ["10001:10001"]  # DL3002, and Kubernetes' runAsNonRoot


def test_base_images_have_a_version(docker: list[tuple[str, str]]) -> None:
    bases = [value for name, value in docker if name == "FROM"]
    assert docker[0] == ("ARG", "PYTHON_VERSION=3.12")
    assert bases == ["python:${PYTHON_VERSION}-slim AS build", "python:${PYTHON_VERSION}-slim"]


def test_the_configuration_is_linked_so_that_a_mount_takes_its_place(
    docker: list[tuple[str, str]], tmp_path: Path
) -> None:
    (command,) = [value for name, value in docker if name == "RUN" and "ln -s" in value]
    _, _, linking = command.partition("&& ")
    app, etc = tmp_path / "image", tmp_path / "etc-ffhost"
    app.mkdir()
    (app / "functions.yaml").write_text(CONFIG)
    subprocess.run(linking.replace("/etc/ffhost", str(etc)), shell=True, cwd=app, check=True)
    assert (app / "functions.yaml").readlink() == etc / "functions.yaml"
    assert (app / "functions.yaml").read_text() == CONFIG


def test_the_image_is_written_as_hadolint_asks(docker: list[tuple[str, str]]) -> None:
    names = [name for name, _ in docker]
    assert set(names) <= {
        *("ARG", "FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "EXPOSE"),
        *("HEALTHCHECK", "STOPSIGNAL", "CMD"),
    }  # DL3020 no ADD, DL4000 no MAINTAINER
    runs = [value for name, value in docker if name == "RUN"]
    pip = [run for run in runs if "pip install" in run]
    assert all("--no-cache-dir" in run and "-r requirements.txt" in run for run in pip)  # DL3042
    assert not any("sudo" in run or " cd " in run or "|" in run.replace("||", "") for run in runs)
    workdirs = [value for name, value in docker if name == "WORKDIR"]
    assert all(each.startswith("/") for each in workdirs)  # DL3000
    commands = [value for name, value in docker if name == "CMD"]
    assert [json.loads(each) for each in commands] == [["ffhost", "serve"]]  # DL3025, DL4003
    health = [value for name, value in docker if name == "HEALTHCHECK"]
    assert len(health) == 1  # DL3012
    probe = json.loads(health[0].partition("CMD ")[2])
    compile(probe[2], "probe", "exec")
    copied = [value.split() for name, value in docker if name == "COPY"]
    assert [
        "pins.txt",
        "requirements-app.txt",
        "requirements.txt",
        "./",
    ] in copied  # DL3021: a folder ends with /


def test_an_app_behind_a_door_holds_its_key_set_and_what_verifies_by_it(tmp_path: Path) -> None:
    config = """
        auth:
          staff: {jwt: {jwks: keys/public.json, audience: a}}
          github: {webhook: {scheme: github, secret: {from_env: KEY}}}
        functions:
          a: {target: "src/main.py:hello", auth: [staff, github]}
    """
    lay_out(tmp_path, src__main_py=HELLO, functions_yaml=config, keys__public_json='{"keys": []}')
    built(tmp_path, environ={"KEY": "hush"})
    assert "keys/public.json" in app(tmp_path)
    assert requirements(tmp_path) == ["ffhost[auth]==0.1.0"]


def test_an_app_whose_doors_need_no_public_keys_needs_no_extra(tmp_path: Path) -> None:
    config = """
        auth:
          keys: {keys: {ci: {from_env: KEY}}}
          jwt: {jwt: {secret: {from_env: KEY}}}
        functions:
          a: {target: "main.py:hello", auth: [keys, jwt]}
    """
    lay_out(tmp_path, main_py=HELLO, functions_yaml=config)
    built(tmp_path, environ={"KEY": "0123456789abcdef0123456789abcdef"})
    assert requirements(tmp_path) == ["ffhost==0.1.0"]
