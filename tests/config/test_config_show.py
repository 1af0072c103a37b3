"""What is shown of a configuration: the effective values, what a change does, the problems."""

from __future__ import annotations

import json
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from ffhost.config import ConfigSources, LoadedConfig, load_config
from ffhost.config.changes import plan_config_changes, show_config_plan
from ffhost.config.diagnostics import (
    ConfigProblem,
    ValueOrigin,
    config_problem_record,
    show_config_problems,
)
from ffhost.config.effective import show_config
from ffhost.config.loaded_config import config_revision
from ffhost.config.quick_reader import read_settings_quickly
from ffhost.config.settings import (
    FunctionSettings,
    SecretSetting,
    Settings,
    plain_section,
    setting_key_of,
)

BASE = """\
server: {port: 8000}
functions:
  hello:
    target: main.py:hello
    config: {token: {from_env: TOKEN}, note: "a: b ${TOKEN:-} $${X}"}
  bye:
    target: main.py:bye
    methods: [GET]
    examples:
      - request: {json: [1, {a: null}]}
"""


def load(
    folder: Path, text: str, environ: dict[str, str] | None = None, **given: Any
) -> LoadedConfig:
    (folder / "functions.yaml").write_text(text)
    environ = {"TOKEN": "s3cret"} if environ is None else environ
    return load_config(ConfigSources("functions.yaml", environ, given, [], folder))


def test_the_yaml_form_can_be_read_back_to_the_same_values(tmp_path: Path) -> None:
    text = BASE.replace("token: {from_env: TOKEN}, ", "").replace("${TOKEN:-}", "x")
    first = load(tmp_path, text)
    shown = show_config(first, "yaml")
    assert "  port: 8000  # functions.yaml:1\n" in shown
    assert '    timeout: "1m"  # default\n' in shown
    again = load(tmp_path, shown)
    assert again.revision == first.revision
    assert again.settings.server == first.settings.server
    assert again.settings.function("bye") == first.settings.function("bye")


@given(st.dictionaries(st.text(max_size=6), st.text(max_size=12) | st.integers(), max_size=4))
def test_any_text_survives_the_yaml_form(config: dict[str, Any]) -> None:
    config = {
        key.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode()
        if isinstance(value, str)
        else value
        for key, value in config.items()
        if "${" not in key
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = {"functions": {"f": {"target": "m:f", "config": {"inner": config}}}}
        first = load(folder, yaml.safe_dump(tree, allow_unicode=True).replace("${", "$${"))
        again = load(folder, show_config(first, "yaml"))
        hidden = {"***"} | {value for value in config.values() if "://" in str(value)}
        before = first.settings.functions["f"].config["inner"]
        after = again.settings.functions["f"].config.get("inner", {})
        for key, value in before.items():
            assert after[key] == value or after[key] in hidden


def test_no_form_shows_a_secret(tmp_path: Path) -> None:
    loaded = load(tmp_path, BASE.replace("${TOKEN:-}", ""))
    for format in ("table", "yaml", "json"):
        shown = show_config(loaded, format)
        assert "s3cret" not in shown
        assert "***" in shown
        assert loaded.revision in shown


def test_the_json_form_names_value_and_origin(tmp_path: Path) -> None:
    document = json.loads(show_config(load(tmp_path, BASE), "json"))
    assert document["single"] is None
    assert document["values"]["server.port"] == {"value": 8000, "origin": "functions.yaml:1"}
    assert document["values"]["functions.bye.methods"]["value"] == ["GET"]
    assert document["values"]["functions.bye.timeout"] == {"value": "1m", "origin": "default"}


def test_the_table_is_aligned(tmp_path: Path) -> None:
    lines = show_config(load(tmp_path, BASE), "table").splitlines()
    assert lines[0].startswith("revision ")
    assert len({line.index(word) for line, word in ((lines[2], "value"), (lines[4], "0.0"))}) == 1


# ── revision ──────────────────────────────────────────────────────────────────


def test_the_revision_depends_on_the_effective_values_alone(tmp_path: Path) -> None:
    first = load(tmp_path, BASE)
    assert len(first.revision) == 12
    same = [
        "# a comment\n" + BASE,
        BASE + "defaults: {timeout: 1m}\n",
        BASE.replace("{port: 8000}", "\n  port: ${X:-8000}"),
        BASE + "x-note: 1\n",
        BASE.replace("target: main.py:hello", "target: main.py:hello\n    timeout: 60s"),
    ]
    assert {load(tmp_path, text).revision for text in same} == {first.revision}
    other = [
        BASE + "defaults: {timeout: 61s}\n",
        BASE.replace("GET", "PUT"),
        BASE.replace("port: 8000", "port: 8001"),
    ]
    revisions = {load(tmp_path, text).revision for text in other}
    revisions.add(load(tmp_path, BASE, {"TOKEN": "another"}).revision)
    assert len(revisions | {first.revision}) == 5


def settings_of(function: dict[str, Any], **host: Any) -> Settings:
    settings = read_settings_quickly({**host, "functions": {"hello": function}})
    assert settings is not None
    return settings


def test_every_value_of_a_function_counts_in_the_revision() -> None:
    examples = [
        settings_of({"target": "main.py:hello", setting_key_of(each.name): value})
        for each in fields(FunctionSettings)
        for value in each.metadata["examples"]
        if "from_env" not in str(value)
    ]
    values = {repr(plain_section(each.function("hello"))) for each in examples}
    assert len({config_revision(each, None) for each in examples}) == len(values) > 30


def test_a_limit_of_the_host_counts_as_one_of_the_function() -> None:
    plain, host = {"target": "main.py:hello"}, {"defaults": {"queue": 7}}
    bounded = settings_of({**plain, "queue": 7}, **host), settings_of(plain, **host)
    first, same, other = (config_revision(each, None) for each in [*bounded, settings_of(plain)])
    assert first == same != other


def test_the_order_of_hooks_counts_and_that_of_functions_does_not(tmp_path: Path) -> None:
    functions = "functions: {a: {target: m:a}, b: {target: m:b}}\n"
    hooks = "tracing: {hooks: {otel: {}, log: {}}}\n"
    first = load(tmp_path, functions + hooks)
    turned = "functions: {b: {target: m:b}, a: {target: m:a}}\n"
    assert load(tmp_path, turned + hooks).revision == first.revision
    other = "tracing: {hooks: {log: {}, otel: {}}}\n"
    assert load(tmp_path, functions + other).revision != first.revision


# ── plan ──────────────────────────────────────────────────────────────────────


def test_a_plan_lists_what_changes_and_what_needs_a_restart(tmp_path: Path) -> None:
    old = load(tmp_path, BASE)
    new = load(
        tmp_path,
        "server: {port: 8001}\n"
        "defaults: {timeout: 5s}\n"
        "functions:\n"
        "  hello:\n"
        "    target: main.py:hello\n"
        "    timeout: 1m\n"
        "    path: /hi\n"
        "    config: {token: {from_env: TOKEN}}\n"
        "  new: {target: main.py:new}\n",
        {"TOKEN": "rotated"},
    )
    found = plan_config_changes(old, new)
    assert show_config_plan(found) == (
        f"revision {old.revision} -> {new.revision}\n"
        "+ new\n"
        "- bye\n"
        "~ hello\n"
        "    path: /hello -> /hi (live)\n"
        "    config.token: *** -> *** (changed) (live)\n"
        "    config.note: *** -> - (live)\n"
        "~ host\n"
        "    server.port: 8000 -> 8001 (needs a restart)\n"
        "    defaults.timeout: 1m -> 5s (live)\n"
        "needs a restart: server.port\n"
    )
    assert found.needs_restart == ("server.port",)


def test_a_changed_default_shows_at_every_function_that_has_it(tmp_path: Path) -> None:
    old = load(tmp_path, BASE)
    new = load(tmp_path, BASE + "defaults: {queue: 7}\n")
    found = plan_config_changes(old, new)
    assert {name: [each.path for each in changes] for name, changes in found.functions.items()} == {
        "hello": ["functions.hello.queue"],
        "bye": ["functions.bye.queue"],
    }
    assert [(each.path, each.old, each.new) for each in found.host] == [
        ("defaults.queue", "100", "7")
    ]


def test_nothing_changes_between_equal_configurations(tmp_path: Path) -> None:
    old, new = load(tmp_path, BASE), load(tmp_path, "# moved\n" + BASE)
    assert plan_config_changes(old, new).empty
    assert (
        show_config_plan(plan_config_changes(old, new))
        == f"nothing changes (revision {old.revision})\n"
    )
    assert json.loads(show_config_plan(plan_config_changes(old, new), "json"))["added"] == []


def test_colour_is_for_whoever_asks_for_it(tmp_path: Path) -> None:
    old, new = load(tmp_path, BASE), load(tmp_path, BASE + "  new: {target: m:new}\n")
    assert "\x1b[" not in show_config_plan(plan_config_changes(old, new))
    assert "\x1b[32m+ new\x1b[0m\n" in show_config_plan(plan_config_changes(old, new), color=True)


# ── problems ──────────────────────────────────────────────────────────────────

PROBLEM = ConfigProblem(
    "server.port",
    "expected a whole number, got 'x'",
    ValueOrigin("conf/f.yaml", Path("conf/f.yaml"), 2, 9, "  port: x"),
    "remove it",
    ("first note",),
)


def test_a_problem_as_text_with_and_without_colour() -> None:
    assert show_config_problems([PROBLEM]) == (
        "conf/f.yaml:2:9: server.port: expected a whole number, got 'x'\n"
        "      port: x\n"
        "            ^\n"
        "  note: first note\n"
        "  hint: remove it\n"
    )
    colored = show_config_problems([PROBLEM], color=True)
    assert "\x1b[" in colored
    assert "\x1b[31m^\x1b[0m" in colored
    assert str(PROBLEM) == "conf/f.yaml:2:9: server.port: expected a whole number, got 'x'"


def test_a_problem_as_json() -> None:
    assert json.loads(show_config_problems([PROBLEM], "json")) == [config_problem_record(PROBLEM)]
    assert config_problem_record(PROBLEM) == {
        "path": "server.port",
        "message": "expected a whole number, got 'x'",
        "hint": "remove it",
        "notes": ["first note"],
        "origin": "conf/f.yaml",
        "file": "conf/f.yaml",
        "line": 2,
        "column": 9,
    }


def test_a_problem_as_a_github_annotation() -> None:
    assert show_config_problems([PROBLEM], "github") == (
        "::error file=conf/f.yaml,line=2,col=9,title=ffhost configuration::"
        "server.port: expected a whole number, got 'x'%0Afirst note%0Aremove it\n"
    )
    flag = ConfigProblem("server.port", "100% wrong", ValueOrigin("--port", None, 1, 8, "--port x"))
    assert show_config_problems([flag], "github") == (
        "::error title=ffhost configuration::--port: server.port: 100%25 wrong\n"
    )


def test_a_long_line_is_cut_around_its_caret() -> None:
    line = "a" * 300 + "X" + "b" * 300
    text = show_config_problems(
        [ConfigProblem("", "wrong", ValueOrigin("f", Path("f"), 1, 301, line))]
    )
    shown, caret = text.splitlines()[1:]
    assert len(shown) <= 164
    assert shown[len(caret) - 1] == "X"


def test_a_secret_is_a_text_that_does_not_show_itself() -> None:
    secret = SecretSetting("s3cret")
    assert secret == "s3cret"
    assert f"{secret!r} {[secret]}" == "Secret('***') [Secret('***')]"
