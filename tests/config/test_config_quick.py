"""Settings read without pydantic are the same as with it, with a file and without one."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, FrozenInstanceError, fields
from functools import cache
from pathlib import Path
from textwrap import dedent
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ffhost.config import ConfigAttempt, ConfigSources, attempt_config, loaded_config
from ffhost.config.located_problems import ConfigProblemReporter
from ffhost.config.nodes import ConfigNode, ConfigText
from ffhost.config.quick_reader import read_settings_quickly
from ffhost.config.settings import (
    SecretSetting,
    Settings,
    SettingsSection,
    complete_settings,
    plain_section,
    setting_key_of,
)
from ffhost.config.validation import validate_settings
from tests.cli.test_cli_serve import ServedFromNothing
from tests.config.test_config_layers import load, message

HERE = Path(__file__).parents[1]


@contextmanager
def only_pydantic() -> Iterator[None]:
    """Switch the short way off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loaded_config, "read_settings_quickly", lambda values: None)
        yield


def written(value: Any) -> Any:
    """Give what was written, section by section."""
    if isinstance(value, SettingsSection):
        inner = {each.name: written(getattr(value, each.name)) for each in fields(value)}
        return type(value), value.written, inner
    if isinstance(value, dict):
        return {name: written(each) for name, each in value.items()}
    if isinstance(value, list):
        return [written(each) for each in value]
    return type(value), value


def outcome(found: ConfigAttempt) -> Any:
    """Give everything that must not depend on the way."""
    config = found.config
    if config is None:
        return found.problems
    return written(config.settings), config.revision, config.single, found.watched


TEXTS = st.sampled_from(
    [
        "hello", "main.py:hello", "app.main:hello", "a.b", "main.py", "ünder", "folder/main.py",
        "http", "cloudevent", "event", "typed", "https", "0", "1", "8080", "65536", "-1", "08",
        "1_0", "1.5", "1e3", "true", "yes", "off", "null", "~", "10s", "0s", "5", "2m", "1:30",
        "unlimited", "32MiB", "0B", "10", "info", "debug", "INFO", "json", "console", "wsgi",
        "GET", "get", "a:b,c:d", "[a:b]", "[]", "[GET, GET]", "{a: 1}", "{}", "{a: [1, {b: ~}]}",
        "10.0.0.0/8", "all", "*", "/", "/users/{id}", "process", "unavailable", " ", "'", "{",
        "{from_env: PORT}", "{a: {from_env: PORT}}", "${PORT}", "\u0000",
    ]
)  # fmt: skip
GOOD_VARIABLES = {
    "FUNCTION_SOURCE": "app/main.py", "FUNCTION_SIGNATURE_TYPE": "cloudevent", "PORT": "0",
    "HOST": "::1", "DEBUG": "true", "WORKERS": "3", "THREADS": "16", "LOG_EXECUTION_ID": "1",
    "CLOUD_RUN_TIMEOUT_SECONDS": "300", "GUNICORN_LOG_LEVEL": "warning", "FFHOST_VERSION": "1",
    "FFHOST_SERVER__PORT": "81", "FFHOST_SERVER__KEEPALIVE": "0s", "FFHOST_ADMIN__ENABLED": "yes",
    "FFHOST_SERVER__MAX_BODY_SIZE": "10MB", "FFHOST_SERVER__ON_STARTUP": "a.b:c,d:e",
    "FFHOST_SERVER__TRUSTED_PROXIES": "all", "FFHOST_SERVER__STALL_TIMEOUT": "5s",
    "FFHOST_LOGGING__LEVELS": "{a.b: debug}", "FFHOST_LOGGING__MAX_ENTRY": "64KiB",
    "FFHOST_LOGGING__LEVELS__UVICORN": "error", "FFHOST_TRACING__ENABLED": "off",
    "FFHOST_TRACING__HOOKS": "{otel: {options: {a: [1, {b: .inf}]}}}",
    "FFHOST_DEFAULTS__TIMEOUT": "1.5m", "FFHOST_DEFAULTS__STUCK_LIMIT": "unlimited",
    "FFHOST_FUNCTIONS__HELLO__TIMEOUT": "unlimited", "FFHOST_FUNCTIONS__HELLO__QUEUE": "7",
    "FFHOST_FUNCTIONS__HELLO__METHODS": "POST", "FFHOST_FUNCTIONS__HELLO__CONFIG__KEY": "80",
    "FFHOST_FUNCTIONS__HELLO__CONFIG": "{a: {b: 1}, c: {from_env: FUNCTION_TARGET}}",
    "FFHOST_FUNCTIONS__HELLO__PATH": "/users/{id}", "FFHOST_FUNCTIONS__HELLO__ENABLED": "false",
    "FFHOST_FUNCTIONS__HELLO__ISOLATION": "process", "FFHOST_SERVER__NOTHING": "1",
    "FFHOST_FUNCTIONS__HELLO__ON_LOAD_ERROR": "unavailable",
    "FFHOST_FUNCTIONS__HELLO__CORS__ALLOW_ORIGINS": "https://a.example",
    "FFHOST_FUNCTIONS__HELLO__CORS__MAX_AGE": "5s",
    "FFHOST_AUTH": "{m: {keys: {ci: 0123456789abcdef, b: {key: [0123456789abcdee], rate: 5/s}}},"
    " s: {jwt: {secret: {from_env: FFHOST_AUTH}, claims: {a: [1]}, scopes: [b], header: X}},"
    " g: {webhook: {scheme: github, secret: [{from_env: FUNCTION_TARGET}, b]}}}",
    "FFHOST_DEFAULTS__AUTH": "m", "FFHOST_FUNCTIONS__HELLO__AUTH": "[s, g]",
    "FFHOST_ADMIN__AUTH": "public", "FFHOST_LOGGING__PRINCIPAL": "true",
}  # fmt: skip
GOOD_FLAGS = {
    "server.host": "0.0.0.0", "server.port": "9", "server.workers": "2",
    "server.debug": "true", "logging.level": "debug",
    "logging.format": "json", "tracing.enabled": "false", "target": "hello", "source": "a.py",
    "signature_type": "http",
}  # fmt: skip
SETS = st.sampled_from(
    [
        "functions.hello.examples=[{request: {json: null}}]",
        "functions.hello.examples=[{event: {type: a}, response: {status: 200, json: {a: 1}}}]",
        "functions.hello.examples=[{request: {json: 1}, response: {json: 2, body: a}}]",
        "functions.hello.cors={allow_origins: '*', allow_methods: [GET], max_age: 0s}",
        "functions.hello.methods=[GET, POST]",
        "functions.other={target: 'main.py:other', config: {a: {from_env: PORT}}}",
        "functions.other={path: /other}",
        "functions.9={target: 'main.py:other'}",
        "functions.hello.config=[1]",
        "functions.hello=~",
        "tracing.hooks={log: {enabled: false}, mine: {target: 'a.b:c', options: {x: .inf}}}",
        "server=~",
        "server=5",
        "version=true",
        "version=1.0",
        "functions={}",
    ]
)


def mostly(good: dict[str, str], most: int) -> st.SearchStrategy[dict[str, str]]:
    """Give some of *good*, and once in a while another text instead."""
    pairs = st.sampled_from(list(good.items()))
    others = st.tuples(st.sampled_from(list(good)), TEXTS)
    return st.lists(st.one_of(pairs, pairs, pairs, others), max_size=most).map(dict)


@given(
    target=st.sampled_from(["hello", "main.py:hello", "hello", "a.b"]),
    environ=mostly(GOOD_VARIABLES, 4),
    flags=mostly(GOOD_FLAGS, 2),
    sets=st.lists(SETS, max_size=1),
)
@example(target="hello", environ={}, flags={}, sets=[])
def test_both_ways_give_the_same_settings_revision_and_problems(
    target: str, environ: dict[str, str], flags: dict[str, str], sets: list[str]
) -> None:
    sources = ConfigSources(
        environ={**environ, "FUNCTION_TARGET": target},
        flags={name: (f"--{name}", text) for name, text in flags.items()},
        sets=sets,
        cwd=HERE,
    )
    found = outcome(attempt_config(sources))
    with only_pydantic():
        assert outcome(attempt_config(sources)) == found


ENVIRON = {
    "FUNCTION_TARGET": "hello", "FUNCTION_SOURCE": "app.py", "FUNCTION_SIGNATURE_TYPE": "http",
    "PORT": "9000", "HOST": "127.0.0.1", "DEBUG": "true", "WORKERS": "2", "THREADS": "4",
    "CLOUD_RUN_TIMEOUT_SECONDS": "30", "LOG_EXECUTION_ID": "true", "GUNICORN_LOG_LEVEL": "debug",
    "FFHOST_FUNCTIONS__HELLO__CONFIG__QUALITY": "80", "FFHOST_SERVER__KEEPALIVE": "5s",
}  # fmt: skip


def imported(environ: dict[str, str], folder: Path = HERE, *, at_start: bool = False) -> str:
    """Say whether loading a configuration in a new interpreter imports pydantic."""
    code = f"""
        import sys
        from pathlib import Path
        from ffhost.config import ConfigSources, attempt_config
        sources = ConfigSources(environ={environ!r}, cwd=Path({str(folder)!r}))
        found = attempt_config(sources, at_start={at_start})
        print(found.config is not None, any(name.startswith("pydantic") for name in sys.modules))
    """
    run = [sys.executable, "-c", dedent(code)]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout


def test_one_function_without_a_file_is_configured_without_pydantic() -> None:
    assert imported({"FUNCTION_TARGET": "hello"}) == "True False\n"
    assert imported(ENVIRON) == "True False\n"


def test_pydantic_says_what_is_wrong() -> None:
    assert imported({**ENVIRON, "PORT": "x"}) == "False True\n"


@pytest.mark.parametrize("given", [("--target", "hello"), ("-c", "functions.yaml")])
def test_an_http_function_is_served_without_pydantic(tmp_path: Path, given: tuple[str]) -> None:
    (tmp_path / "functions.yaml").write_text(
        "functions: {hello: {target: 'main.py:hello', path: /, methods: [GET]}}\n"
    )
    (tmp_path / "main.py").write_text(
        "import sys\n"
        "def hello(request):\n"
        "    return str([name for name in sys.modules if name.startswith('pydantic')])\n"
    )
    server = ServedFromNothing(tmp_path, *given)
    try:
        assert server.answers("[]", "/")
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("PORT", "80800", "server.port: must be at most 65535, got 80800"),
        ("WORKERS", "0", "server.workers: must be at least 1, got 0"),
        ("DEBUG", "maybe", "server.debug: expected true or false, got 'maybe'"),
        (
            "FUNCTION_SIGNATURE_TYPE",
            "cloudevnet",
            "functions.hello.signature: expected 'http', 'cloudevent', 'event', 'typed', 'wsgi' "
            "or 'asgi', got 'cloudevnet'",
        ),
        (
            "FFHOST_SERVER__KEEPALIVE",
            "75",
            "server.keepalive: expected a duration with its unit, such as '250ms', '10s' or '2m', "
            "got 75",
        ),
        (
            "FFHOST_FUNCTIONS__HELLO__METHODS",
            "[]",
            "functions.hello.methods: expected at least one item",
        ),
    ],
)
def test_a_bad_value_of_one_function_is_told_as_in_a_file(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    told = message(tmp_path, None, environ={"FUNCTION_TARGET": "hello", name: text})
    assert told.startswith(f"env {name}")
    assert expected in told


def test_what_is_not_plainly_of_its_kind_is_left_to_pydantic() -> None:
    function = {"target": "main.py:hello", "path": "/"}
    assert read_settings_quickly({"functions": {"hello": function}}) is not None
    for wrong in (
        {"methods": []},
        {"methods": ["get"]},
        {"methods": "GET"},
        {"timeout": 5},
        {"examples": [{"request": {"body": SecretSetting("a")}}]},
        {"queue": "1"},
        {"lazy": 1},
        {"tracing": None},
        {"signature": SecretSetting("http")},
        {"examples": {}},
        {"unknown": 1},
    ):
        assert read_settings_quickly({"functions": {"hello": {**function, **wrong}}}) is None
    assert read_settings_quickly({"functions": {"hello": {}}}) is None
    assert read_settings_quickly({"version": True}) is None


ODD = [
    None,
    True,
    0,
    1.5,
    math.nan,
    "",
    "x",
    "auto",
    [],
    ["GET"],
    {},
    {"a": 1},
    SecretSetting("s"),
    10**400,
]


def values_of(annotation: Any, shown: list[Any], odd: bool) -> st.SearchStrategy[Any]:
    """Values that may stand at a key: its examples, what is made of them, and odd ones."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        annotation = next(each for each in arguments if each is not NoneType)
        return values_of(annotation, shown, odd)
    if isinstance(annotation, type) and issubclass(annotation, SettingsSection):
        return sections(annotation, odd)
    if (
        origin is list
        and isinstance(arguments[0], type)
        and issubclass(arguments[0], SettingsSection)
    ):
        return st.lists(sections(arguments[0], odd), max_size=2)
    if (
        origin is dict
        and isinstance(arguments[1], type)
        and issubclass(arguments[1], SettingsSection)
    ):
        names = st.sampled_from(["a", "B-2", *(["9", "ü", ""] if odd else [])])
        return st.dictionaries(names, sections(arguments[1], odd), max_size=2)
    return st.sampled_from([*shown, *(ODD if odd else [])])


@cache
def sections(kind: type[SettingsSection], odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings that may be a section of *kind*: a few keys, those that it needs among them."""
    needed, others = {}, {}
    for each in fields(kind):
        values = values_of(each.type, each.metadata["examples"], odd)
        must = each.default is MISSING and each.default_factory is MISSING
        (needed if must else others)[setting_key_of(each.name)] = values
    few = (
        st.lists(st.sampled_from(sorted(others)), max_size=4, unique=True)
        if others
        else st.just([])
    )
    return few.flatmap(
        lambda names: st.fixed_dictionaries({**needed, **{name: others[name] for name in names}})
    )


def by_pydantic(values: dict[str, Any]) -> Settings | None:
    """Return what pydantic makes of *values*."""
    return validate_settings(values, ConfigProblemReporter(ConfigNode({}, ConfigText("test")), []))


@given(values=sections(Settings, True))
def test_what_is_read_without_pydantic_is_what_pydantic_reads(values: dict[str, Any]) -> None:
    quick = read_settings_quickly(complete_settings(values))
    if quick is not None:
        judged = by_pydantic(complete_settings(values))
        assert judged is not None
        assert written(quick) == written(judged)
        assert plain_section(quick) == plain_section(judged)


@given(values=sections(Settings, False))
def test_what_pydantic_accepts_is_read_without_it(values: dict[str, Any]) -> None:
    judged, quick = (
        by_pydantic(complete_settings(values)),
        read_settings_quickly(complete_settings(values)),
    )
    assert (judged is None) == (quick is None)


def test_a_plain_file_is_served_without_pydantic_and_checked_with_it(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(
        "functions: {hello: {target: 'main.py:hello', methods: [GET], timeout: 5s}}\n"
    )
    assert imported({}, tmp_path, at_start=True) == "True False\n"
    assert imported({}, tmp_path) == "True True\n"
    assert imported({"FFHOST_SERVER__PORT": "x"}, tmp_path, at_start=True) == "False True\n"


def test_the_front_door_is_read_without_pydantic() -> None:
    auth = {
        "m": {"keys": {"ci": SecretSetting("k"), "b": {"key": [SecretSetting("k")], "rate":
        "5/s"}}}, "s": {"jwt": {"issuer": "https://i", "audience": ["a"], "rate": "1/m"}}, "h":
        {"webhook": {"scheme": "hmac", "secret": [SecretSetting("s")], "header": "X"}},
    }  # fmt: skip
    function = {"target": "main.py:hello", "path": "/", "auth": ["m", "s"]}
    others = {"defaults": {"auth": "required"}, "admin": {"auth": "m"}}
    made = read_settings_quickly({"auth": auth, "functions": {"hello": function}, **others})
    assert made is not None
    assert made.auth["m"].keys == auth["m"]["keys"]
    assert made.auth["s"].jwt is not None
    assert (made.defaults.auth, made.admin.auth) == (["required"], ["m"])
    assert made.function("hello").auth == ["m", "s"]
    for wrong in (
        {"m": {"keys": []}},
        {"m": {"jwt": {"rate": "often"}}},
        {"1": {}},
        {"m": {"x": 1}},
    ):
        assert read_settings_quickly({"auth": wrong, "functions": {"hello": function}}) is None


def test_a_section_is_immutable_and_survives_a_pickle_with_what_was_written() -> None:
    made = read_settings_quickly(
        {"server": {"port": 1}, "functions": {"a": {"target": "main.py:a"}}}
    )
    assert made is not None
    copy = pickle.loads(pickle.dumps(made))
    assert (copy, written(copy)) == (made, written(made))
    assert copy.replaced(version=1) == made
    assert copy.replaced(version=1).written == {"server", "functions", "version"}
    with pytest.raises(FrozenInstanceError, match="cannot assign to 'port'"):
        made.server.port = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete 'port'"):
        del made.server.port
    with pytest.raises(TypeError, match="ServerSettings has no prot"):
        type(made.server)(prot=1)  # type: ignore[call-arg]
    assert "port=1" in repr(made)


def test_hooks_know_what_was_written_wherever_they_stand(tmp_path: Path) -> None:
    """Pydantic makes the validator of a section once, and refers to it at the second place."""
    hooks = "tracing: {hooks: {a: {target: 'm:a'}}}"
    (tmp_path / "functions.yaml").write_text(
        f"{hooks}\nfunctions:\n  f: {{target: 'main.py:f', {hooks}}}\n"
    )
    found = load(tmp_path).settings
    assert found.tracing.hooks["a"].written == {"target"}
    assert found.functions["f"].tracing.hooks["a"].written == {"target"}
