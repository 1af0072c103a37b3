"""What ``init --from-functions-framework`` reads out of the files of a project."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml

from ffhost.cli.scaffold.container_variables import quote_scaffold_yaml, read_migrated_variables
from ffhost.cli.scaffold.migrated_functions import read_migrated_project
from ffhost.cli.scaffold.path_use import find_path_use_to_migrate
from tests.commands import ffhost


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(textwrap.dedent(text).lstrip("\n"))
    return folder


DOCKERFILE = r"""
FROM python:3.12 AS build
ENV STAGE=build
FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 APP_HOME=/app PORT=8080
ENV BUCKET="my images" \
    # what they are
    REGION=eu-west1
ENV OLD the whole rest
ENV COPY=$REGION-b HERE=$APP_HOME/x
ENV FUNCTION_TARGET=resize CLOUD_RUN_TIMEOUT_SECONDS=10 THREADS=4 API_KEY=abc
CMD ["functions-framework"]
"""


def test_the_variables_of_the_last_stage_are_the_function_s(tmp_path: Path) -> None:
    found = read_migrated_variables(write(tmp_path, Dockerfile=DOCKERFILE))
    assert found.values == {
        "BUCKET": "my images",
        "REGION": "eu-west1",
        "OLD": "the whole rest",
        "COPY": "eu-west1-b",
        "HERE": "/app/x",
    }
    assert found.settings == {"timeout": "10s", "concurrency": "4"}
    assert found.secrets == ["API_KEY"]
    assert found.where == ["Dockerfile"]
    assert found.notes == []


def test_later_files_win_and_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path, Dockerfile="FROM x\nENV A=1 B=$UNKNOWN\n", __env="A=2\nDB_PASSWORD=x\nbad\n")
    write(tmp_path, env__yaml="A: 3\nN: 5\nFLAG: true\n")
    found = read_migrated_variables(tmp_path)
    assert found.values == {"A": "3", "N": "5", "FLAG": "true"}
    assert found.secrets == ["DB_PASSWORD"]
    assert found.where == ["Dockerfile", ".env", "env.yaml"]
    assert found.notes == [
        f"{tmp_path.name}/Dockerfile: B is left out; it uses a variable of the image",
        f"{tmp_path.name}/.env: expected NAME=value",
    ]


@pytest.mark.parametrize("text", ["a", "a: b", "${HOME}", "yes", "1", 'q"uote', "ü\n", "# no"])
def test_a_value_is_written_so_that_it_stays_what_it_is(text: str) -> None:
    assert yaml.safe_load(quote_scaffold_yaml(text)).replace("$${", "${") == text


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(request):\n    return request.path", (2, "request.path")),
        ("def f(r):\n    if r.full_path == '/': ...", (2, "r.full_path")),
        ("def f(request):\n    return request.view_args['path']", (2, "request.view_args")),
        ("async def f(request):\n    return request.url.path", (2, "request.url.path")),
        ("def f(request):\n    return request.scope['path']", (2, "request.scope['path']")),
        ("def f(r):\n    return r.environ['PATH_INFO']", (2, "r.environ['PATH_INFO']")),
        ("import flask\ndef f(r):\n    flask.request.path", (3, "flask.request.path")),
        ("def f(r):\n    return app.full_dispatch_request()", (2, "app.full_dispatch_request")),
        ("def f(r):\n    return g(r)\ndef g(r):\n    return r.path", (4, "r.path")),
        ("import os\ndef f(request):\n    return os.path.join('a', request.args['b'])", None),
        ("def f(request):\n    return request.args\ndef g(request): request.path", None),
        ("def f(request, file):\n    return file.path", None),
        ("def g(): ...", None),
        ("def f(:", None),
    ],
)
def test_whether_a_function_looks_at_the_path(
    tmp_path: Path, code: str, found: tuple[int, str] | None
) -> None:
    assert find_path_use_to_migrate(write(tmp_path, main__py=code) / "main.py", "f") == found


def test_pairs_are_events_and_what_is_left_out_has_its_reason(tmp_path: Path) -> None:
    project = read_migrated_project(
        write(
            tmp_path,
            main__py="""
                import functions_framework
                def on_message(event, context): ...
                @functions_framework.http
                def web(request): ...
                @functions_framework.errorhandler(KeyError)
                def missing(error): ...
                def helper(a, b): ...
                def plain(request): ...
                def _private(request): ...
            """,
        )
    )
    assert [(each.attribute, each.signature) for each in project.functions] == [
        ("web", None),
        ("on_message", "event"),
    ]
    assert [(name, reason) for _, name, reason in project.left_out] == [
        ("helper", "its parameters are (a, b), and it has no decorator"),
        ("plain", "it has no decorator, and others have one"),
    ]


def test_the_file_says_what_each_function_had_alone(tmp_path: Path) -> None:
    folder = tmp_path / "svc"
    folder.mkdir()
    write(
        folder,
        Dockerfile="FROM x\nENV BUCKET=images API_TOKEN=t CLOUD_RUN_TIMEOUT_SECONDS=5\n",
        requirements__txt="functions-framework==3.*\n",
        main__py="""
            import os
            BUCKET = os.environ["BUCKET"]
            def hello(request): return request.path
            async def quick(request): return "quick"
            def on_message(event, context): ...
        """,
    )
    ran = ffhost("init", "--from-functions-framework", "svc", cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert "svc: set API_TOKEN where the host runs; secrets are not written down" in ran.out
    assert "'functions-framework==3.*' replaced by 'ffhost[flask]'" in ran.out
    assert "functions.hello.env.API_TOKEN" in ran.out  # what the check says: it is not set
    written = yaml.safe_load((tmp_path / "functions.yaml").read_text())
    assert written["defaults"] == {"request": "flask"}
    assert written["functions"]["hello"] == {
        "target": "svc/main.py:hello",
        "signature": "http",
        "strip_path": True,
        "timeout": "5s",
        "env": {"BUCKET": "images", "API_TOKEN": {"from_env": "API_TOKEN"}},
    }
    assert written["functions"]["quick"]["request"] == "starlette"
    assert "request" not in written["functions"]["on_message"]
    assert "# line 3 looks at request.path" in (tmp_path / "functions.yaml").read_text()
