"""Which layer gives a value, and that the host knows it: files, environment, command line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from ffhost.config import ConfigSources, LoadedConfig, attempt_config, load_config
from ffhost.config.diagnostics import show_config_problems
from ffhost.config.effective import effective_config_rows
from ffhost.config.settings import SecretSetting
from ffhost.errors import ConfigError

HELLO = "functions:\n  hello: {target: main.py:hello}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "functions.yaml").write_text(HELLO)
    return tmp_path


def load(folder: Path, config: str | None = "functions.yaml", **given: Any) -> LoadedConfig:
    sources = ConfigSources(
        config=config,
        environ=given.get("environ", {}),
        flags=given.get("flags", {}),
        sets=given.get("sets", ()),
        cwd=folder,
    )
    return load_config(sources)


def message(folder: Path, config: str | None = "functions.yaml", **given: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, config, **given)
    return show_config_problems(caught.value.problems)


ALL_LAYERS = """\
version: 1
x-limits: &limits
  timeout: 10s
  queue: 20
env_file: local.env
server:
  host: ${BIND:-127.0.0.1}
  port: 8000
  workers: 2
  keepalive: 9s
logging:
  level: warning
  levels: {sqlalchemy: error}
defaults:
  concurrency: 7
functions:
  on-upload:
    <<: *limits
    target: main.py:upload
    config:
      token: {from_env: API_TOKEN}
      key: {from_file: key.txt}
      database: postgres://me:hunter2@db/${DB:-main}
      password: hunter2
      quality: 80
  Report:
    target: main.py:report
    isolation: process
    processes: 3
"""

ALL_LAYERS_TABLE = [
    ("version", "1", "functions.yaml:1"),
    ("server.host", "127.0.0.1", "functions.yaml:7"),
    ("server.port", "9000", "--port"),
    ("server.workers", "3", "env FFHOST_SERVER__WORKERS"),
    ("server.debug", "true", "--set server.debug"),
    ("server.max_body_size", "32MiB", "default"),
    ("server.read_timeout", "30s", "default"),
    ("server.write_timeout", "30s", "default"),
    ("server.keepalive", "16s", "env FFHOST_SERVER__KEEPALIVE (local.env:2)"),
    ("server.drain_delay", "2s", "default"),
    ("server.graceful_timeout", "30s", "default"),
    ("server.stall_timeout", "2m", "default"),
    ("server.trusted_proxies", '["10.0.0.0/8", "::1"]', "env FFHOST_SERVER__TRUSTED_PROXIES"),
    ("server.on_startup", "[]", "default"),
    ("server.on_shutdown", "[]", "default"),
    ("admin.enabled", "true", "env FFHOST_ADMIN__ENABLED"),
    ("admin.host", "127.0.0.1", "default"),
    ("admin.port", "9901", "default"),
    ("admin.auth", '["public"]', "default"),
    ("console.enabled", "false", "default"),
    ("console.capture", "false", "default"),
    ("logging.level", "debug", "--log-level"),
    ("logging.levels.sqlalchemy", "error", "functions.yaml:13"),
    ("logging.levels.urllib3", "info", "env FFHOST_LOGGING__LEVELS__URLLIB3"),
    ("logging.format", "json", "default"),
    ("logging.profile", "default", "default"),
    ("logging.stream", "stdout", "default"),
    ("logging.max_entry", "256KiB", "default"),
    ("logging.invocations", "true", "default"),
    ("logging.principal", "false", "default"),
    ("logging.redact", "[]", "default"),
    ("logging.show", "[]", "default"),
    ("logging.capture_print", "false", "default"),
    ("tracing.enabled", "false", "default"),
    ("tracing.hooks", "{}", "default"),
    ("metrics.enabled", "true", "default"),
    ("config_reload.enabled", "true", "default"),
    ("config_reload.interval", "2s", "default"),
    ("env_file", "local.env", "functions.yaml:5"),
    ("defaults.timeout", "1m", "default"),
    ("defaults.concurrency", "7", "functions.yaml:15"),
    ("defaults.queue", "100", "default"),
    ("defaults.queue_timeout", "1s", "--set defaults.queue_timeout"),
    ("defaults.auth", '["public"]', "default"),
    ("defaults.request", "auto", "default"),
    ("defaults.stuck_limit", "10", "default"),
    ("events", "-", "default"),
    ("mcp", "-", "default"),
    ("openapi", "-", "default"),
    ("schedules.enabled", "true", "default"),
    ("auth", "{}", "default"),
    ("functions.on-upload.target", "main.py:upload", "functions.yaml:19"),
    ("functions.on-upload.source", "-", "default"),
    ("functions.on-upload.path", "/on-upload", "default"),
    ("functions.on-upload.signature", "cloudevent", "env FFHOST_FUNCTIONS__ON_UPLOAD__SIGNATURE"),
    ("functions.on-upload.methods", "-", "default"),
    ("functions.on-upload.timeout", "5s", "--set functions.on-upload.timeout"),
    ("functions.on-upload.concurrency", "7", "functions.yaml:15"),
    ("functions.on-upload.queue", "20", "functions.yaml:4"),
    ("functions.on-upload.queue_timeout", "1s", "--set defaults.queue_timeout"),
    ("functions.on-upload.max_body_size", "32MiB", "default"),
    ("functions.on-upload.auth", '["public"]', "default"),
    ("functions.on-upload.cors", "-", "default"),
    ("functions.on-upload.config.token", "***", "functions.yaml:21"),
    ("functions.on-upload.config.key", "***", "functions.yaml:22"),
    ("functions.on-upload.config.database", "postgres://***@db/main", "functions.yaml:23"),
    ("functions.on-upload.config.password", "***", "functions.yaml:24"),
    (
        "functions.on-upload.config.quality",
        "90",
        "env FFHOST_FUNCTIONS__ON_UPLOAD__CONFIG__QUALITY",
    ),
    ("functions.on-upload.calls", "-", "default"),
    ("functions.on-upload.url", "-", "default"),
    ("functions.on-upload.call_headers", "{}", "default"),
    ("functions.on-upload.env", "{}", "default"),
    ("functions.on-upload.subscriptions", "[]", "default"),
    ("functions.on-upload.delivery", "-", "default"),
    ("functions.on-upload.schedules", "[]", "default"),
    ("functions.on-upload.tool", "false", "default"),
    ("functions.on-upload.request", "auto", "default"),
    ("functions.on-upload.strip_path", "false", "default"),
    ("functions.on-upload.isolation", "thread", "default"),
    ("functions.on-upload.requirements", "-", "default"),
    ("functions.on-upload.processes", "-", "default"),
    ("functions.on-upload.memory", "-", "default"),
    ("functions.on-upload.enabled", "true", "default"),
    ("functions.on-upload.gone", "false", "default"),
    ("functions.on-upload.required", "true", "default"),
    ("functions.on-upload.lazy", "false", "default"),
    ("functions.on-upload.on_load_error", "fail", "default"),
    ("functions.on-upload.import_budget", "-", "default"),
    ("functions.on-upload.tracing.enabled", "-", "default"),
    ("functions.on-upload.tracing.hooks", "{}", "default"),
    ("functions.on-upload.examples", "[]", "default"),
    ("functions.Report.target", "main.py:report", "functions.yaml:27"),
    ("functions.Report.source", "-", "default"),
    ("functions.Report.path", "/Report", "default"),
    ("functions.Report.signature", "-", "default"),
    ("functions.Report.methods", '["GET"]', "--set functions.Report.methods"),
    ("functions.Report.timeout", "1m", "default"),
    ("functions.Report.queue", "100", "default"),
    ("functions.Report.queue_timeout", "1s", "--set defaults.queue_timeout"),
    ("functions.Report.max_body_size", "32MiB", "default"),
    ("functions.Report.auth", '["public"]', "default"),
    ("functions.Report.cors", "-", "default"),
    ("functions.Report.config", "{}", "default"),
    ("functions.Report.calls", "-", "default"),
    ("functions.Report.url", "-", "default"),
    ("functions.Report.call_headers", "{}", "default"),
    ("functions.Report.env", "{}", "default"),
    ("functions.Report.subscriptions", "[]", "default"),
    ("functions.Report.delivery", "-", "default"),
    ("functions.Report.schedules", "[]", "default"),
    ("functions.Report.tool", "false", "default"),
    ("functions.Report.request", "auto", "default"),
    ("functions.Report.strip_path", "false", "default"),
    ("functions.Report.isolation", "process", "functions.yaml:28"),
    ("functions.Report.requirements", "-", "default"),
    ("functions.Report.processes", "3", "functions.yaml:29"),
    ("functions.Report.memory", "1GiB", "env FFHOST_FUNCTIONS__REPORT__MEMORY"),
    ("functions.Report.enabled", "true", "default"),
    ("functions.Report.gone", "false", "default"),
    ("functions.Report.required", "false", "default"),
    ("functions.Report.lazy", "false", "default"),
    (
        "functions.Report.on_load_error",
        "unavailable",
        "env FFHOST_FUNCTIONS__REPORT__ON_LOAD_ERROR",
    ),
    ("functions.Report.import_budget", "-", "default"),
    ("functions.Report.tracing.enabled", "-", "default"),
    ("functions.Report.tracing.hooks", "{}", "default"),
    ("functions.Report.examples", "[]", "default"),
]


@pytest.fixture
def all_layers(tmp_path: Path) -> LoadedConfig:
    (tmp_path / "functions.yaml").write_text(ALL_LAYERS)
    (tmp_path / "key.txt").write_text("k3y\n")
    (tmp_path / "local.env").write_text(
        "# beneath the environment\nFFHOST_SERVER__KEEPALIVE=16s\nAPI_TOKEN=fr0m-file\nPORT=1\n"
    )
    return load(
        tmp_path,
        environ={
            "PORT": "8500",
            "HOST": "ignored.example",
            "FFHOST_SERVER__PORT": "8600",
            "FFHOST_SERVER__WORKERS": "3",
            "FFHOST_SERVER__TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "FFHOST_ADMIN__ENABLED": "1",
            "FFHOST_LOGGING__LEVELS__URLLIB3": "info",
            "FFHOST_LOGGING__LEVEL": "error",
            "FFHOST_FUNCTIONS__ON_UPLOAD__SIGNATURE": "cloudevent",
            "FFHOST_FUNCTIONS__ON_UPLOAD__TIMEOUT": "7s",
            "FFHOST_FUNCTIONS__ON_UPLOAD__CONFIG__QUALITY": "90",
            "FFHOST_FUNCTIONS__REPORT__MEMORY": "1GiB",
            "FFHOST_FUNCTIONS__REPORT__ON_LOAD_ERROR": "unavailable",
            "FFHOST_PORT": "tcp://10.0.0.1:8080",
            "FFHOST_SERVICE_HOST": "10.0.0.1",
        },
        flags={
            "server.port": ("--port", "9000"),
            "logging.level": ("--log-level", "debug"),
            "server.host": ("--host", None),
        },
        sets=[
            "functions.on-upload.timeout=5s",
            "defaults.queue_timeout=1s",
            "server.debug=true",
            "functions.Report.methods=[GET]",
        ],
    )


def test_every_value_of_an_example_with_all_layers_shows_where_it_came_from(
    all_layers: LoadedConfig,
) -> None:
    assert effective_config_rows(all_layers) == ALL_LAYERS_TABLE


def test_secrets_reach_the_function_and_nobody_else(all_layers: LoadedConfig) -> None:
    config = all_layers.settings.functions["on-upload"].config
    assert config["token"] == "fr0m-file"
    assert config["key"] == "k3y"
    assert isinstance(config["token"], SecretSetting)
    shown = repr(all_layers) + repr(effective_config_rows(all_layers))
    assert "fr0m-file" not in shown
    assert "k3y" not in shown


def test_what_a_configuration_depends_on_is_watched(all_layers: LoadedConfig) -> None:
    names = [path.name for path in all_layers.watched]
    assert names == ["functions.yaml", "local.env", "key.txt"]


def test_variables_of_the_env_file_that_the_environment_lacks_are_handed_on(
    all_layers: LoadedConfig,
) -> None:
    assert all_layers.env_file_values == {
        "FFHOST_SERVER__KEEPALIVE": "16s",
        "API_TOKEN": "fr0m-file",
    }


def test_later_stages_find_the_line_of_a_value_and_of_what_is_missing(
    all_layers: LoadedConfig,
) -> None:
    assert all_layers.locate(("functions", "Report", "target")).place == "functions.yaml:27:13"
    assert all_layers.locate(("functions", "Report", "source")).place == "functions.yaml:27:5"
    assert all_layers.locate(("functions", "on-upload", "timeout")).label == (
        "--set functions.on-upload.timeout"
    )


# ── names ─────────────────────────────────────────────────────────────────────


def test_port_counts_with_a_file_and_the_other_framework_names_do_not(folder: Path) -> None:
    environ = {"PORT": "9000", "HOST": "::", "WORKERS": "9", "THREADS": "9", "DEBUG": "1"}
    loaded = load(folder, environ=environ).settings
    server = loaded.server
    assert (server.port, server.host, server.workers) == (9000, "0.0.0.0", 1)
    assert (server.debug, loaded.defaults.concurrency) == (False, 40)


def test_the_specific_name_wins_over_the_general_one(folder: Path) -> None:
    environ = {"PORT": "9000", "FFHOST_SERVER__PORT": "9001"}
    assert load(folder, environ=environ).settings.server.port == 9001


def test_names_without_two_underscores_belong_to_somebody_else(folder: Path) -> None:
    environ = {"FFHOST_PORT": "tcp://1.2.3.4:5", "FFHOST_PORT_80_TCP_ADDR": "x", "FFHOST_X": "y"}
    assert load(folder, environ=environ).settings.server.port == 8080


def test_names_that_contain_each_other_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(
        "functions:\n  a: {target: m:a}\n  a__timeout: {target: m:b}\n  a_: {target: m:c}\n"
    )
    environ = {
        "FFHOST_FUNCTIONS__A__TIMEOUT": "1s",
        "FFHOST_FUNCTIONS__A__TIMEOUT__TIMEOUT": "2s",
        "FFHOST_FUNCTIONS__A___TIMEOUT": "3s",
    }
    functions = load(tmp_path, environ=environ).settings.functions
    assert {name: each.timeout for name, each in functions.items()} == {
        "a": 1,
        "a__timeout": 2,
        "a_": 3,
    }


def test_a_text_stays_a_text_in_a_variable(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(
        'functions: {hello: {target: m:a, config: {pin: "0123", count: 1, new: null}}}\n'
    )
    environ = {
        "FFHOST_FUNCTIONS__HELLO__CONFIG__PIN": "4567",
        "FFHOST_FUNCTIONS__HELLO__CONFIG__COUNT": "2",
        "FFHOST_FUNCTIONS__HELLO__CONFIG__NESTED__FLAG": "true",
        "FFHOST_FUNCTIONS__HELLO__CONFIG__LIST": "[1, two]",
    }
    config = load(tmp_path, environ=environ).settings.functions["hello"].config
    assert config == {
        "pin": "4567",
        "count": 2,
        "new": None,
        "nested": {"flag": True},
        "list": [1, "two"],
    }


def test_a_variable_of_a_function_keeps_its_name_and_stays_text(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(
        "functions: {hello: {target: m:f, env: {BUCKET: images, PIN: '1'}}}\n"
    )
    loaded = load(
        tmp_path,
        environ={
            "FFHOST_FUNCTIONS__HELLO__ENV__PIN": "4567",
            "FFHOST_FUNCTIONS__HELLO__ENV__RULES": '{"a": 1}',
        },
        sets=["functions.hello.env.Mixed='true'"],
    )
    assert loaded.settings.functions["hello"].env == {
        "BUCKET": "images",
        "PIN": "4567",
        "RULES": '{"a": 1}',
        "Mixed": "true",
    }


def test_one_field_of_a_shared_block_is_changed_for_one_function_only(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(
        "functions:\n"
        "  a: &a\n    target: m:a\n    path: /a\n    config: &config {n: 1}\n"
        "  b: {<<: *a, path: /b}\n"
        "  c: {target: m:c, config: *config}\n"
    )
    loaded = load(tmp_path, environ={"FFHOST_FUNCTIONS__B__CONFIG__N": "2"})
    found = {name: each.config["n"] for name, each in loaded.settings.functions.items()}
    assert found == {"a": 1, "b": 2, "c": 1}


def test_set_merges_mappings_and_adds_functions(folder: Path) -> None:
    loaded = load(
        folder,
        sets=[
            "functions.hello={config: {a: 1}}",
            'functions.hello.config."b.c"=2',
            "functions.new.target=main.py:new",
            "functions.new.timeout=3s",
        ],
    )
    assert loaded.settings.functions["hello"].config == {"a": 1, "b.c": 2}
    assert loaded.settings.functions["new"].timeout == 3


def test_the_config_variable_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(HELLO)
    loaded = load(tmp_path, None, environ={"FFHOST_CONFIG": "other.yaml"})
    assert loaded.has_file
    assert loaded.locate(("functions", "hello")).label == "other.yaml"


def test_the_environment_names_the_env_file_and_a_flag_wins(folder: Path) -> None:
    (folder / "a.env").write_text("export FFHOST_SERVER__PORT=1111 # comment\n")
    (folder / "b.env").write_text("FFHOST_SERVER__PORT='2222'\n")
    environ = {"FFHOST_ENV_FILE": "a.env"}
    assert load(folder, environ=environ).settings.server.port == 1111
    by_flag = load(folder, environ=environ, sets=["env_file=b.env"])
    assert by_flag.settings.server.port == 2222
    assert by_flag.settings.env_file == "b.env"


# ── single-target mode ────────────────────────────────────────────────────────


def test_single_target_without_a_file_has_the_habits_of_functions_framework(
    tmp_path: Path,
) -> None:
    loaded = load(tmp_path, None, environ={"FUNCTION_TARGET": "hello"})
    assert (loaded.single, loaded.has_file, loaded.base) == ("hello", False, tmp_path)
    assert list(loaded.settings.functions) == ["hello"]
    function = loaded.settings.function("hello")
    assert (function.target, function.source, function.path) == ("hello", "main.py", "/")
    assert function.signature is None
    assert [
        function.timeout,
        function.concurrency,
        function.queue,
        function.queue_timeout,
        function.max_body_size,
    ] == [math.inf] * 5


def test_single_target_takes_the_framework_names(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        None,
        environ={
            "FUNCTION_TARGET": "hello",
            "FUNCTION_SOURCE": "src/app.py",
            "FUNCTION_SIGNATURE_TYPE": "cloudevent",
            "PORT": "9000",
            "HOST": "::1",
            "DEBUG": "true",
            "WORKERS": "2",
            "THREADS": "16",
            "CLOUD_RUN_TIMEOUT_SECONDS": "300",
            "LOG_EXECUTION_ID": "yes",
        },
    )
    server, function = loaded.settings.server, loaded.settings.function("hello")
    assert (server.port, server.host, server.debug) == (9000, "::1", True)
    assert server.workers == 2
    assert (function.source, function.signature) == ("src/app.py", "cloudevent")
    assert (function.timeout, function.concurrency, function.queue) == (300, 16, math.inf)
    assert loaded.settings.logging.capture_print is True
    assert loaded.locate(("defaults", "timeout")).label == "env CLOUD_RUN_TIMEOUT_SECONDS"


def test_a_timeout_of_zero_seconds_and_empty_names_mean_nothing(tmp_path: Path) -> None:
    environ = {"FUNCTION_TARGET": "f", "CLOUD_RUN_TIMEOUT_SECONDS": "0", "PORT": "", "HOST": ""}
    loaded = load(tmp_path, None, environ=environ)
    assert loaded.settings.function("f").timeout == math.inf
    assert loaded.settings.server.port == 8080


def test_single_target_flags_win_and_limits_can_be_set(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        None,
        environ={
            "FUNCTION_TARGET": "ignored",
            "FFHOST_DEFAULTS__TIMEOUT": "9s",
            "FFHOST_FUNCTIONS__HELLO__MAX_BODY_SIZE": "1MiB",
        },
        flags={
            "target": ("--target", "hello"),
            "source": ("--source", "app.py"),
            "signature_type": ("--signature-type", "event"),
        },
    )
    function = loaded.settings.function("hello")
    assert (function.target, function.source, function.signature) == ("hello", "app.py", "event")
    assert (function.timeout, function.max_body_size) == (9, 1024**2)
    assert loaded.locate(("functions", "hello", "target")).label == "--target"


def test_a_target_that_is_no_name_still_gets_one(tmp_path: Path) -> None:
    for target, name in (("_private", "private"), ("app.handler", "app-handler"), ("__", None)):
        loaded = load(tmp_path, None, environ={"FUNCTION_TARGET": target})
        assert loaded.single == (name or "function")
        assert loaded.settings.functions[loaded.single].target == target


def test_a_file_in_the_folder_is_not_read_in_single_target_mode(folder: Path) -> None:
    assert not load(folder, None, environ={"FUNCTION_TARGET": "other"}).has_file


def test_single_target_with_a_file_serves_the_function_of_that_name(folder: Path) -> None:
    loaded = load(folder, environ={"FUNCTION_TARGET": "hello"})
    assert (loaded.single, loaded.has_file) == ("hello", True)
    function = loaded.settings.function("hello")
    assert (function.path, function.timeout, function.concurrency) == ("/hello", 60, 40)


# ── folders ───────────────────────────────────────────────────────────────────


def test_a_folder_is_merged_and_its_hidden_names_are_ignored(tmp_path: Path) -> None:
    data = tmp_path / "mounted" / "..2026_01_01"
    data.mkdir(parents=True)
    (data / "a.yaml").write_text("version: 1\nserver: {port: 1}\n" + HELLO)
    (data / "b.yaml").write_text(
        "version: 1\nx-note: 1\nserver: {workers: 2}\nfunctions: {bye: {target: m:b}}\n"
    )
    (data / "c.yaml").write_text("# nothing yet\n")
    (tmp_path / "mounted" / "..data").symlink_to("..2026_01_01")
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        (tmp_path / "mounted" / name).symlink_to(f"..data/{name}")
    (tmp_path / "mounted" / ".hidden.yaml").write_text("not: [yaml")
    (tmp_path / "mounted" / "notes.txt").write_text("not yaml")
    loaded = load(tmp_path, "mounted")
    assert list(loaded.settings.functions) == ["hello", "bye"]
    assert (loaded.settings.server.port, loaded.settings.server.workers) == (1, 2)
    assert loaded.base == tmp_path / "mounted"
    assert loaded.locate(("functions", "bye", "target")).place == "mounted/b.yaml:4:27"
    assert [path.name for path in loaded.watched] == ["mounted", "a.yaml", "b.yaml", "c.yaml"]


def test_a_failed_attempt_still_says_what_to_watch(folder: Path) -> None:
    (folder / "functions.yaml").write_text(
        "functions: {hello: {target: m:a, config: {a: {from_file: later.txt}}}}\n"
    )
    found = attempt_config(ConfigSources("functions.yaml", {}, {}, [], folder))
    assert found.config is None
    assert [path.name for path in found.watched] == ["functions.yaml", "later.txt"]
    (folder / "later.txt").write_text("x")
    assert attempt_config(ConfigSources("functions.yaml", {}, {}, [], folder)).config is not None


def test_a_thousand_functions_load(tmp_path: Path) -> None:
    lines = [f"  fn-{i}: {{target: main.py:handler, path: '/{i}/{{id}}'}}" for i in range(1000)]
    (tmp_path / "functions.yaml").write_text("\n".join(["functions:", *lines]))
    assert len(load(tmp_path).settings.functions) == 1000


def test_a_value_that_another_layer_replaces_may_be_wrong_or_missing(tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text("server: {port: '${NOPE}'}\n" + HELLO)
    assert "'NOPE' is not set" in message(tmp_path)
    assert load(tmp_path, environ={"PORT": "9000"}).settings.server.port == 9000
