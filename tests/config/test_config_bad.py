"""Every way to get a configuration wrong, and the exact message that explains it.

``tests/configs/bad-NAME.yaml`` (or a folder of that name) is loaded, ``bad-NAME.txt`` holds
what must be shown, and ``bad-NAME.json`` the environment, flags and ``--set`` if there are any.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ffhost.config import ConfigSources, load_config
from ffhost.config.contradictions import FUNCTION_RULES
from ffhost.config.diagnostics import ConfigProblem, show_config_problems
from ffhost.config.located_problems import ConfigProblemReporter
from ffhost.config.nodes import ConfigNode, ConfigText
from ffhost.config.settings import FunctionSettings, setting_key_of
from ffhost.errors import ConfigError

CONFIGS = Path(__file__).parents[1] / "configs"
CASES = sorted(path.stem for path in CONFIGS.glob("bad-*.txt"))


def sources_of(case: str) -> ConfigSources:
    given: dict[str, Any] = {}
    description = CONFIGS / f"{case}.json"
    if description.exists():
        given = json.loads(description.read_text())
    name = next((each for each in (f"{case}.yaml", case) if (CONFIGS / each).exists()), None)
    return ConfigSources(
        config=given.get("config", name),
        environ=given.get("environ", {}),
        flags={key: tuple(value) for key, value in given.get("flags", {}).items()},
        sets=given.get("sets", []),
        cwd=CONFIGS,
    )


def message_of(case: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(sources_of(case))
    assert caught.value.exit_code == 2
    return show_config_problems(caught.value.problems)


@pytest.mark.parametrize("case", CASES)
def test_a_bad_configuration_gets_exactly_this_message(case: str) -> None:
    assert message_of(case) == (CONFIGS / f"{case}.txt").read_text()


def test_every_bad_configuration_has_its_message_beside_it() -> None:
    written = {path.name.partition(".")[0] for path in CONFIGS.glob("bad-*")}
    assert written == set(CASES)
    assert len(CASES) >= 60


def test_a_rule_finds_nothing_in_a_function_without_the_keys_that_it_names() -> None:
    every = {
        setting_key_of(each.name): value
        for each in fields(FunctionSettings)
        for value in each.metadata["examples"][:1]
    }
    found: list[ConfigProblem] = []
    report = ConfigProblemReporter(ConfigNode({}, ConfigText("test")), found)
    for rule, keys in FUNCTION_RULES.items():
        assert keys <= every.keys()
        others = {key: value for key, value in every.items() if key not in keys}
        rule(others, ("functions", "hello"), report)
    assert found == []


@pytest.mark.parametrize("case", CASES)
def test_no_message_shows_a_traceback_a_secret_or_a_foreign_word(case: str) -> None:
    message = message_of(case)
    for word in ("Traceback", "hunter2", "s3cret", "pydantic", "yaml.", "Input should", "<class"):
        assert word not in message
