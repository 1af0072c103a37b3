"""The JSON schema: in step with the models, complete, and as strict as it can be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ffhost.config import ConfigSources, load_config
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.json_schema import config_schema_json, make_config_schema
from ffhost.config.known_keys import ConfigShape, settings_shape
from ffhost.config.nodes import ConfigText
from ffhost.config.settings import SettingsSection
from ffhost.config.yaml_reader import YamlError, read_yaml
from tests.config.test_config_bad import CONFIGS
from tests.config.test_config_yaml import value_of

ROOT = Path(__file__).parents[2]
SCHEMA = make_config_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EXAMPLE = ROOT / "functions.yaml.example"


def read_plain(path: Path) -> Any:
    """Read a file as an editor does: no references replaced, no layers."""
    problems: list[ConfigProblem] = []
    value = value_of(read_yaml(ConfigText(path.name, file=path, text=path.read_text()), problems))
    assert not problems
    return value


def test_the_file_in_the_repository_is_the_one_that_is_generated() -> None:
    assert (ROOT / "schemas" / "functions.schema.json").read_text() == config_schema_json()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_has_a_title_a_description_and_examples_that_validate() -> None:
    sections = {"Settings": SCHEMA, **SCHEMA["$defs"]}
    del sections["Reference"], sections["Filter"]
    assert len(sections) == len(SettingsSection.__subclasses__())
    for name, section in sections.items():
        assert section["title"]
        assert section["description"]
        for key, definition in section["properties"].items():
            where = f"{name}.{key}"
            assert definition["title"], where
            assert definition["description"].endswith("."), where
            assert definition["examples"], where
            validator = VALIDATOR.evolve(schema=definition)
            for example in definition["examples"]:
                validator.validate(example)


def test_every_key_has_a_default_that_validates_or_says_what_is_done_without() -> None:
    unset = {
        "Settings.env_file", "FunctionSettings.source", "FunctionSettings.memory",
        "FunctionSettings.import_budget", "FunctionSettings.cors", "ExampleSettings.name",
        "ExampleSettings.request", "ExampleSettings.event", "ExampleRequest.body",
        "ExampleRequest.json", "ExampleResponse.body", "ExampleResponse.json",
        "HookSettings.target", "FunctionSettings.max_body_size", "WaySettings.jwt",
        "WaySettings.keys", "WaySettings.webhook",
    }  # fmt: skip
    for name, section in {"Settings": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, definition in section.get("properties", {}).items():
            if key in section.get("required", ()) or f"{name}.{key}" in unset:
                continue
            if "default" not in definition and f"{name}.{key}" != "Settings.functions":
                assert re.search("[Dd]efault: |Without it, ", definition["description"]), (
                    f"{name}.{key}"
                )
            elif key != "functions" and definition["default"] != "/<name>":
                VALIDATOR.evolve(schema=definition).validate(definition["default"])


def _keys(shape: ConfigShape, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, inner in shape.fields.items():
        yield (*path, key)
        yield from _keys(inner, (*path, key))
    if shape.item is not None:
        yield from _keys(shape.item, (*path, "*"))


def test_the_example_file_mentions_every_key_and_explains_it() -> None:
    text = EXAMPLE.read_text()
    words = {path[-1] for path in _keys(settings_shape(), ())}
    assert [word for word in sorted(words) if f"{word}:" not in text] == []


def test_the_example_file_loads_and_validates() -> None:
    VALIDATOR.validate(read_plain(EXAMPLE))
    loaded = load_config(ConfigSources(EXAMPLE.name, {}, {}, [], ROOT))
    assert len(loaded.settings.functions) == 6


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/functions*.yaml")), ids=str)
def test_every_example_validates(path: Path) -> None:
    VALIDATOR.validate(read_plain(path))


def test_references_and_free_keys_validate_everywhere() -> None:
    VALIDATOR.validate(
        {
            "x-a": 1,
            "server": {"x-b": 1, "port": "${PORT}", "host": "${H:-::}", "workers": "${W}"},
            "metrics": None,
            "logging": {"levels": {"x-c": 1, "a": "${L}"}},
            "functions": {
                "x-d": 1,
                "hello": {
                    "target": "${MODULE}:hello",
                    "timeout": "${T}",
                    "enabled": "${ON}",
                    "methods": ["${M}"],
                    "config": {"a": {"from_file": "x"}},
                },
            },
        }
    )


BEYOND_THE_SCHEMA = {
    # positions of duplicates, layers, the environment, the file system
    "bad-duplicate-function", "bad-duplicate-key", "bad-env-file", "bad-env-file-missing",
    "bad-env-from-file", "bad-secret-file", "bad-secret-with-two-keys", "bad-secret-without-name",
    "bad-reference-empty", "bad-reference-malformed", "bad-reference-nested",
    "bad-reference-typed-wrong",
    # a file of a folder need not name functions
    "bad-no-functions", "bad-only-comments",
    # one value against another, far away or in need of arithmetic
    "bad-auth-required",
    "bad-admin-on-the-same-port", "bad-console-for-everybody", "bad-console-without-listener",
    "bad-concurrency-of-isolated", "bad-cors-credentials",
    "bad-events-path-taken", "bad-get-of-an-event", "bad-gone-but-enabled",
    "bad-hook-without-target", "bad-tool",
    "bad-memory-of-a-thread", "bad-method-twice", "bad-names-alike", "bad-path-of-a-name",
    "bad-path-parameter-form", "bad-path-parameter-twice", "bad-path-reserved",
    "bad-paths-collide", "bad-paths-collide-by-method", "bad-request-of-an-event",
    "bad-requirements-of-a-thread",
    # a whole number in JSON schema
    "bad-port-float",
    # forms that would make the schema's messages unreadable
    "bad-proxies", "bad-cors-without-origins", "bad-target-folder",
}  # fmt: skip


def _bad_files() -> list[Path]:
    given = {path.stem for path in CONFIGS.glob("bad-*.json")}
    return [path for path in sorted(CONFIGS.glob("bad-*.yaml")) if path.stem not in given]


def test_every_bad_file_that_the_schema_can_express_is_rejected_by_both() -> None:
    accepted, rejected = set(), 0
    for path in _bad_files():
        try:
            value = read_plain(path)
        except (YamlError, UnicodeDecodeError, AssertionError):
            continue  # no YAML, or none that an editor would pass on
        if VALIDATOR.is_valid(value):
            accepted.add(path.stem)
        else:
            rejected += 1
    assert accepted <= BEYOND_THE_SCHEMA
    assert rejected >= 50


def test_the_schema_is_printed_as_json() -> None:
    assert json.loads(config_schema_json()) == SCHEMA
