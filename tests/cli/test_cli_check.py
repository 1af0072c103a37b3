"""``check``, ``functions``, ``config``, ``plan`` and ``schema``: whole outputs."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.commands import ffhost, project

MAIN = """
    import ffhost

    def hello(request):
        return "hello"

    @ffhost.typed
    async def order(given: dict): ...

    @ffhost.cloud_event
    def on_event(event): ...
"""
CONFIG = """
    functions:
      hello: {target: "main.py:hello"}
      order: {target: "main.py:order", concurrency: 5, timeout: 3s}
      on-event: {target: "main.py:on_event", path: "/events/{kind}"}
"""


def revision(folder: Path) -> str:
    text = ffhost("config", "--format", "json", cwd=folder).out
    return str(json.loads(text)["revision"])


def test_check_says_what_it_did(tmp_path: Path) -> None:
    project(tmp_path, CONFIG, main=MAIN)
    number = revision(tmp_path)
    assert ffhost("check", cwd=tmp_path) == (
        0,
        f"no problems: 3 functions loaded, revision {number}\n",
        "",
    )
    assert ffhost("check", "--no-import", cwd=tmp_path) == (
        0,
        f"no problems: 3 functions read, revision {number}\n",
        "",
    )
    assert ffhost("check", "--format", "json", cwd=tmp_path) == (0, "[]\n", "")


HABITS = """
    import pathlib
    from helpers import words

    if __name__ == "main":
        STARTED = True

    def hello(request):
        open("absent.txt"), open("/etc/hostname"), open(request.path)
        return open("greeting.txt").read() + pathlib.Path("greeting.txt").read_text()
"""


def test_check_tells_what_works_alone_and_not_among_others(tmp_path: Path) -> None:
    """Relative paths of files beside the source, and a module that expects its plain name."""
    project(tmp_path, "functions: {hello: {source: fn/main.py, target: hello}}", main=MAIN)
    (tmp_path / "fn").mkdir()
    (tmp_path / "fn" / "main.py").write_text(dedent(HABITS))
    (tmp_path / "fn" / "helpers.py").write_text("def words(): return open('greeting.txt')\n")
    (tmp_path / "fn" / "greeting.txt").write_text("hi")
    code, out, err = ffhost("check", "--no-import", cwd=tmp_path)
    assert code == 0
    assert out.startswith("no problems: 1 function read")
    told = [line.partition(": ")[2] for line in err.splitlines() if line.startswith("functions")]
    beside = "opens 'greeting.txt', which lies beside it and not in the current folder"
    assert told == [
        f"functions.hello.source: fn/main.py:10 {beside}",
        f"functions.hello.source: fn/main.py:10 {beside}",
        f"functions.hello.source: fn/helpers.py:1 {beside}",
        "functions.hello.source: fn/main.py:5 asks whether __name__ is 'main', which it never is "
        "here",
    ]
    assert "hint: write open(Path(__file__).parent / 'greeting.txt')" in err


MISTAKES = """
    functions:
      hello:
        target: main.py:helo
        timeuot: 5s
      order:
        target: mian.py:order
        timeout: 5
      off:
        target: nowhere.py:off
        enabled: false
"""


def test_mistakes_of_the_file_and_of_its_functions_are_reported_together(tmp_path: Path) -> None:
    project(tmp_path, MISTAKES, main=MAIN)
    expected = (
        2,
        "",
        """\
functions.yaml:3:13: functions.hello.target: main.py does not define 'helo'
        target: main.py:helo
                ^
  note: it defines hello, order (typed), on_event (cloudevent)
  hint: did you mean 'hello'?

functions.yaml:4:5: functions.hello.timeuot: unknown key; did you mean 'timeout'?
        timeuot: 5s
        ^

functions.yaml:6:13: functions.order.target: no file 'mian.py' (looked in the current folder)
        target: mian.py:order
                ^
  hint: did you mean 'main.py'?

functions.yaml:7:14: functions.order.timeout: expected a duration with its unit, such as \
'250ms', '10s' or '2m', or 'unlimited', got 5
        timeout: 5
                 ^
  hint: write '5s' for seconds
""",
    )
    assert ffhost("check", cwd=tmp_path) == expected
    assert ffhost("check", "--no-import", cwd=tmp_path) == expected


def test_machine_readable_forms_go_to_stdout(tmp_path: Path) -> None:
    project(tmp_path, MISTAKES, main=MAIN)
    ran = ffhost("check", "--format", "json", cwd=tmp_path)
    assert (ran.status, ran.err) == (2, "")
    assert [(each["path"], each["line"], each["column"]) for each in json.loads(ran.out)] == [
        ("functions.hello.target", 3, 13),
        ("functions.hello.timeuot", 4, 5),
        ("functions.order.target", 6, 13),
        ("functions.order.timeout", 7, 14),
    ]
    ran = ffhost("check", "--format", "github", cwd=tmp_path)
    assert ran.out.splitlines()[1] == (
        "::error file=functions.yaml,line=4,col=5,title=ffhost configuration::"
        "functions.hello.timeuot: unknown key; did you mean 'timeout'?"
    )


def test_reading_runs_nothing_and_importing_keeps_stdout_clean(tmp_path: Path) -> None:
    code = "print('imported')\nopen('trace', 'w').close()\ndef hello(request): ..."
    project(tmp_path, "functions: {hello: {target: 'main.py:hello'}}", main=code)
    assert ffhost("check", "--no-import", cwd=tmp_path).status == 0
    assert not (tmp_path / "trace").exists()
    ran = ffhost("check", "--format", "json", cwd=tmp_path)
    assert (ran.out, ran.err) == ("[]\n", "imported\n")
    assert (tmp_path / "trace").exists()


def test_a_decorator_that_contradicts_the_file_is_reported_with_and_without_importing(
    tmp_path: Path,
) -> None:
    project(
        tmp_path,
        "functions: {order: {target: 'main.py:order', signature: http}}",
        main=MAIN,
    )
    message = (
        "functions.yaml:1:57: functions.order.signature: order is decorated as typed, but the "
        "configuration says 'http'; remove one of them\n"
    )
    for arguments in ([], ["--no-import"]):
        ran = ffhost("check", *arguments, cwd=tmp_path)
        assert (ran.status, ran.err.splitlines(keepends=True)[0]) == (2, message)


def test_what_may_fail_is_a_warning_and_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    config = """
        functions:
          broken: {target: "main.py:broken", on_load_error: unavailable}
          made: {target: "main.py:made"}
    """
    project(tmp_path, config, main="import functools\nmade = functools.partial(print)")
    ran = ffhost("check", "--no-import", cwd=tmp_path)
    number = revision(tmp_path)
    assert ran.status == 0
    assert ran.out == (
        f"no problems: 2 functions read, revision {number}; "
        "1 of them unavailable, which on_load_error allows\n"
        "1 can only be checked by importing: made\n"
    )
    assert ran.err.startswith("functions.yaml:2:20: functions.broken.target: main.py does not")


@pytest.mark.parametrize("option", [[], ["--no-import"]])
def test_hooks_are_checked(tmp_path: Path, option: list[str]) -> None:
    config = """
        server: {on_startup: ["main:begin"]}
        tracing: {enabled: true, hooks: {audit: {target: "main:adit"}}}
        functions: {hello: {target: "main.py:hello"}}
    """
    project(tmp_path, config, main=MAIN)
    ran = ffhost("check", *option, cwd=tmp_path)
    lines = [line for line in ran.err.splitlines() if line.startswith("functions.yaml")]
    assert (ran.status, lines) == (
        2,
        [
            "functions.yaml:1:23: server.on_startup[0]: main does not define 'begin'",
            "functions.yaml:2:50: tracing.hooks.audit.target: main does not define 'adit'",
        ],
    )


def test_lazy_functions_are_loaded_for_looking_at_them(tmp_path: Path) -> None:
    config = """
        functions:
          order: {target: "main.py:order", lazy: true}
          wrong: {target: "main.py:rong", lazy: true}
    """
    project(tmp_path, config, main=MAIN)
    assert "functions.wrong.target" in ffhost("check", cwd=tmp_path).err
    without = ("--set", "functions.wrong.enabled=false")
    listed = ffhost("functions", *without, cwd=tmp_path).out.splitlines()[1].split()
    assert listed[3:7] == ["public", "typed", "-", "loop"]
    assert ffhost("invoke", "order", "-d", "{}", cwd=tmp_path).status == 0


def test_functions_are_listed_with_totals_over_workers(tmp_path: Path) -> None:
    project(tmp_path, CONFIG, main=MAIN)
    ran = ffhost("functions", "--set", "server.workers=2", cwd=tmp_path)
    lines = ran.out.splitlines()
    assert [" ".join(line.split()) for line in lines[:4]] == [
        "function path methods door signature request runs timeout slots queue target",
        "hello /hello any public http ffhost thread 1m 80 200 main.py:hello",
        "order /order POST public typed - loop 3s 10 200 main.py:order",
        "on-event /events/{kind} POST public cloudevent - thread 1m 80 200 main.py:on_event",
    ]
    assert lines[5].startswith("3 functions, 2 workers, revision ")


def test_functions_that_are_not_served_say_why(tmp_path: Path) -> None:
    config = """
        functions:
          hello: {target: "main.py:hello"}
          off: {target: "main.py:off", enabled: false}
          broken: {target: "main.py:broken", on_load_error: unavailable}
    """
    project(tmp_path, config, main=MAIN)
    records = json.loads(ffhost("functions", "--format", "json", cwd=tmp_path).out)
    assert [(each["name"], each["state"]) for each in records] == [
        ("hello", "ok"),
        ("off", "off is switched off"),
        ("broken", "unavailable: main.py does not define 'broken'"),
    ]


def test_config_shows_each_value_with_its_origin_and_hides_secrets(tmp_path: Path) -> None:
    config = """
        functions:
          hello: {target: "main.py:hello", config: {token: {from_env: TOKEN}}}
    """
    project(tmp_path, config)
    ran = ffhost(
        "config", "--set", "server.workers=3", cwd=tmp_path, environ={"TOKEN": "x1", "PORT": "9000"}
    )
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines()[2:]}
    assert rows["server.port"] == ["9000", "env", "PORT"]
    assert rows["server.workers"][:2] == ["3", "--set"]
    assert rows["server.host"] == ["0.0.0.0", "default"]
    assert rows["functions.hello.target"] == ["main.py:hello", "functions.yaml:2"]
    assert rows["functions.hello.config.token"][0] == "***"
    assert "x1" not in ran.out


def test_plan_shows_what_would_change(tmp_path: Path) -> None:
    project(tmp_path / "old", CONFIG)
    project(
        tmp_path / "new",
        """
        server: {port: 9000}
        functions:
          hello: {target: "main.py:hello", timeout: 5s}
          order: {target: "main.py:order", concurrency: 5, timeout: 3s}
          extra: {target: "main.py:extra"}
        """,
    )
    files = ("old/functions.yaml", "new/functions.yaml")
    ran = ffhost("plan", *files, cwd=tmp_path)
    assert (ran.status, ran.out.splitlines()[1:]) == (
        0,
        [
            "+ extra",
            "- on-event",
            "~ hello",
            "    timeout: 1m -> 5s (live)",
            "~ host",
            "    server.port: 8080 -> 9000 (needs a restart)",
            "needs a restart: server.port",
        ],
    )
    record = json.loads(ffhost("plan", *files, "--format", "json", cwd=tmp_path).out)
    assert (record["added"], record["removed"]) == (["extra"], ["on-event"])
    assert ffhost("plan", files[0], "nothing.yaml", cwd=tmp_path) == (
        2,
        "",
        "-c nothing.yaml: no such file: 'nothing.yaml'\n",
    )


def test_schema_is_the_schema_of_the_repository(tmp_path: Path) -> None:
    ran = ffhost("schema", cwd=tmp_path)
    schema = Path(__file__).parents[2] / "schemas" / "functions.schema.json"
    assert ran.out == schema.read_text()


@pytest.mark.parametrize("variable", ["FFHOST_CONFIG", None])
def test_a_folder_of_files_is_checked_as_well(tmp_path: Path, variable: str | None) -> None:
    folder = project(tmp_path / "conf", "functions: {hello: {target: 'main.py:helo', x: 1}}")
    (folder / "main.py").write_text("def hello(request): ...")
    environ = {variable: "conf"} if variable else {}
    arguments = [] if variable else ["-c", "conf"]
    ran = ffhost("check", *arguments, cwd=tmp_path, environ=environ)
    assert [line.partition(":")[2] for line in ran.err.splitlines() if line[:5] == "conf/"] == [
        "1:29: functions.hello.target: main.py does not define 'helo'",
        "1:45: functions.hello.x: unknown key",
    ]
