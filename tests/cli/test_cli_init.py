"""``init`` and ``new``: what they write works, and nothing that exists is replaced."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ffhost.cli.scaffold.templates import TEMPLATES
from ffhost.cli.scaffold.yaml_edit import insert_scaffolded_entry
from tests.commands import ffhost, project


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_init_writes_is_right_and_its_examples_hold(tmp_path: Path, template: str) -> None:
    ran = ffhost("init", "shop", "--template", template, cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("wrote shop/functions.yaml\nwrote shop/main.py\n")
    folder = tmp_path / "shop"
    assert (folder / "requirements.txt").read_text() == "ffhost\n"
    assert ffhost("check", cwd=folder).status == 0
    assert ffhost("check", "--no-import", cwd=folder).status == 0
    assert "all hold" in ffhost("test", cwd=folder).out


def test_init_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")
    (tmp_path / "requirements.txt").write_text("requests")
    assert ffhost("init", cwd=tmp_path) == (
        1,
        "",
        "ffhost: main.py exists already; nothing was written\n"
        "  hint: 'ffhost new NAME' adds a function to a project, or name another folder\n",
    )
    assert not (tmp_path / "functions.yaml").exists()
    (tmp_path / "main.py").unlink()
    assert ffhost("init", cwd=tmp_path).status == 0
    assert (tmp_path / "requirements.txt").read_text() == "requests\nffhost\n"


# From functions-framework.


def test_functions_of_existing_folders_are_found_by_reading(tmp_path: Path) -> None:
    sources = {
        "a/main.py": """
            import flask, functions_framework
            raise SystemExit("this must not run")
            @functions_framework.http
            def handle(request: flask.Request): ...
            def helper(request): ...
        """,
        "a/requirements.txt": "functions-framework==3.5.0  # the host\nrequests\ncloudevents<2\n",
        "b/main.py": """
            import functions_framework as ff
            @ff.cloud_event
            def handle(cloud_event): ...
        """,
        "b/requirements.txt": "requests\n",
        "c/main.py": "def on_thing(event, context): ...\ndef _private(request): ...\n",
        "d/app.py": "def run(data, context): ...\ndef other(request): ...\n",
        "d/Procfile": "web: ff --source=app.py --target=run --signature-type=event\n",
        "e/main.py": "def first(request): ...\ndef second(cloud_event): ...\ndef third(a, b): ...",
    }
    for name, text in sources.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"))
    ran = ffhost("init", "--from-functions-framework", "a", "b", "c", "d", "e", cwd=tmp_path)
    assert ran == (
        0,
        """\
wrote functions.yaml
  a-handle: a/main.py:handle (decorated as http)
  left out a/main.py:helper: it has no decorator, and others have one
  a/requirements.txt: 'functions-framework==3.5.0  # the host' replaced by 'ffhost[flask]'
  a/requirements.txt: 'cloudevents<2' removed; ffhost installs cloudevents 2, and old imports \
keep working
  b-handle: b/main.py:handle (decorated as cloudevent)
  b/requirements.txt: 'ffhost' added
  on_thing: c/main.py:on_thing (guessed from its parameters)
  c/requirements.txt: 'ffhost' added
  run: d/app.py:run (named in Procfile)
  left out d/app.py:other: it has no decorator, and Procfile names 'run'
  d/requirements.txt: 'ffhost' added
  first: e/main.py:first (guessed from its parameters)
  second: e/main.py:second (guessed from its parameters)
  left out e/main.py:third: its parameters are (a, b), and it has no decorator
  e/requirements.txt: 'ffhost[flask]' added
wrote .ffhost/functions.schema.json

checked without importing: no problems

next:
  ffhost check
  ffhost serve
""",
        "",
    )
    assert (tmp_path / "a/requirements.txt").read_text() == "ffhost[flask]\nrequests\n"
    assert (
        (tmp_path / "functions.yaml").read_text().partition("functions:\n")[2]
        == """\
  a-handle:
    target: a/main.py:handle

  b-handle:
    target: b/main.py:handle

  on_thing:
    target: c/main.py:on_thing
    signature: event  # guessed from its parameters

  run:
    target: d/app.py:run
    signature: event  # named in Procfile

  first:
    target: e/main.py:first
    signature: http  # guessed from its parameters

  second:
    target: e/main.py:second
    signature: cloudevent  # guessed from its parameters
"""
    )
    assert ffhost("check", "--no-import", cwd=tmp_path).status == 0


def test_the_configuration_may_go_elsewhere_and_finds_the_folders(tmp_path: Path) -> None:
    project(tmp_path / "svc", "", main="def hi(request): return 'hi'")
    (tmp_path / "svc" / "functions.yaml").unlink()
    ran = ffhost("init", "deploy", "--from-functions-framework", "svc", cwd=tmp_path)
    assert ran.out.splitlines()[0] == "wrote deploy/functions.yaml"
    assert ffhost("invoke", "-c", "deploy/functions.yaml", cwd=tmp_path).out == "hi\n"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "'svc' is not a folder"),
        (
            {"svc/main.py": "X = 1"},
            "no function was found in svc\n  hint: mark it with @functions_framework.http or the "
            "like, or write its entry by hand",
        ),
        ({"svc/main.py": "def hi(:"}, "svc: main.py:1: syntax error: invalid syntax"),
        (
            {"svc/main.py": "", "functions.yaml": ""},
            "functions.yaml exists already; nothing was written",
        ),
    ],
)
def test_what_stands_in_the_way_of_a_migration_is_said(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    ran = ffhost("init", "--from-functions-framework", "svc", cwd=tmp_path)
    assert ran == (1, "", f"ffhost: {message}\n")


# New functions.


@pytest.mark.parametrize("signature", ["http", "typed", "cloudevent", "event"])
@pytest.mark.parametrize("option", [[], ["--async"]])
def test_a_new_function_works_with_its_examples(
    tmp_path: Path, signature: str, option: list[str]
) -> None:
    ffhost("init", cwd=tmp_path)
    ran = ffhost("new", "next-one", "--signature", signature, *option, cwd=tmp_path)
    assert (ran.status, ran.out) == (
        0,
        "wrote functions.yaml\nwrote main.py\nwrote tests/test_next_one.py\n\n"
        "next:\n  ffhost test next-one\n",
    )
    tested = ffhost("test", cwd=tmp_path)
    assert (tested.status, "all hold" in tested.out) == (0, True)
    compile((tmp_path / "tests/test_next_one.py").read_text(), "test", "exec")


def test_comments_order_and_form_of_the_file_stay(tmp_path: Path) -> None:
    before = """
        # ours
        version: 1     # of the format
        x-common: &common {timeout: 5s}

        functions:
          # greets
          hello:
            <<: *common
            target: "main.py:hello"   # quoted
            config: {text: |-
              }
          bye: {target: 'main.py:bye'}
          # the last comment of the functions

        # the server
        server:
          port: 9000
    """.replace("config: {text: |-\n              }", "methods: [GET,\n              POST]")
    project(tmp_path, before, main="import ffhost\n")
    text = (tmp_path / "functions.yaml").read_text()
    assert ffhost("new", "third", cwd=tmp_path).status == 0
    after = (tmp_path / "functions.yaml").read_text()
    added = """\
  third:
    target: main.py:third
    examples:
      - name: greets by name
        request: {path: "/third?name=Ada"}
        response: {status: 200, body: "Hello, Ada!\\n"}
"""
    marker = "  # the last comment of the functions\n"
    assert after == text.replace(marker, marker + added)


ENTRY = "  new:\n    target: main.py:new\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"functions:\n{ENTRY}"),
        ("version: 1", f"version: 1\n\nfunctions:\n{ENTRY}"),
        ("functions:\n", f"functions:\n{ENTRY}"),
        ("functions: {}  # none\nversion: 1\n", f"functions:  # none\n{ENTRY}version: 1\n"),
        (
            "functions: {a: {target: m:a}}\n",
            'functions: {a: {target: m:a}, new: {"target": "main.py:new"}}\n',
        ),
        (
            "functions: {\n  a: {target: m:a},\n}\n",
            'functions: {\n  a: {target: m:a}, new: {"target": "main.py:new"}\n}\n',
        ),
        (
            "functions:\n    a:\n        target: m:a\nversion: 1\n",
            "functions:\n    a:\n        target: m:a\n\n    new:\n      target: main.py:new\n"
            "version: 1\n",
        ),
        (
            "functions:\n  a: {target: m:a}\n\n  b: {target: m:b}\n\n\n# end\n",
            f"functions:\n  a: {{target: m:a}}\n\n  b: {{target: m:b}}\n\n{ENTRY}\n\n# end\n",
        ),
        (
            "functions:\n  a: {target: m:a}\n  b:\n    target: m:b",
            f"functions:\n  a: {{target: m:a}}\n  b:\n    target: m:b\n{ENTRY}",
        ),
        (
            "functions:\n  a:\n    target: m:a\n    config:\n      text: |\n        # text\n\n",
            "functions:\n  a:\n    target: m:a\n    config:\n      text: |\n        # text\n\n"
            f"{ENTRY}\n",
        ),
    ],
)
def test_an_entry_is_added_to_every_form_of_file(before: str, after: str) -> None:
    assert insert_scaffolded_entry(before, "new", {"target": "main.py:new"}, ENTRY) == after


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["hello"], 1, "ffhost: functions.yaml:7:3: the function 'hello' exists already\n"),
        (
            ["9x"],
            2,
            "ffhost: '9x' is not a valid function name\n"
            "  hint: a letter, then at most 62 letters, digits, '-' and '_'\n",
        ),
        (
            ["class"],
            2,
            "ffhost: 'class' means something else in Python\n  hint: choose another name\n",
        ),
        (
            ["x", "-c", "other.yaml"],
            2,
            "ffhost: no such file: 'other.yaml'\n  hint: 'ffhost init' writes one\n",
        ),
        (
            ["order", "--source", "taken.py"],
            1,
            "ffhost: taken.py defines 'order' already\n  hint: choose another name or --source\n",
        ),
        (
            ["x", "--path", "/hello"],
            2,
            "functions.yaml:16:11: functions.x.path: 'hello' has the same path: both match "
            "POST /hello\n        path: /hello\n              ^\n"
            "  note: functions.hello.path is '/hello' at functions.yaml:7:3\n"
            "  hint: give one of them another path, or other methods\n",
        ),
    ],
)
def test_a_new_function_that_does_not_fit_changes_nothing(
    tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    ffhost("init", cwd=tmp_path)
    (tmp_path / "taken.py").write_text("order = 1\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert ffhost("new", *arguments, cwd=tmp_path) == (status, "", message)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
