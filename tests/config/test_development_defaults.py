"""What is open while developing: the console, unless the file says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from ffhost.config import ConfigSources, LoadedConfig, load_config

FUNCTIONS = "\nfunctions: {hello: {target: 'main.py:hello'}}\n"
KEYS = "auth: {staff: {keys: {ada: opensesame-opensesame}}}\n"


def load(folder: Path, text: str, *, developing: bool = True) -> LoadedConfig:
    (folder / "functions.yaml").write_text(text + FUNCTIONS)
    return load_config(ConfigSources(environ={}, cwd=folder, developing=developing))


@pytest.mark.parametrize(
    ("text", "opened", "captures"),
    [
        ("", True, True),
        ("admin: {enabled: true}", True, True),
        ("console: {capture: false}", True, False),
        ("console: {enabled: false}", False, False),
        ("admin: {enabled: false}", False, False),
        ("admin: {host: 0.0.0.0}", False, False),
        (KEYS + "admin: {host: 0.0.0.0, auth: staff}", True, True),
    ],
)
def test_the_console_is_open_unless_the_file_says_otherwise(
    tmp_path: Path, text: str, opened: bool, captures: bool
) -> None:
    settings = load(tmp_path, text).settings
    assert (settings.has_console, settings.console.capture) == (opened, captures)


def test_what_opened_it_is_named_as_its_origin(tmp_path: Path) -> None:
    config = load(tmp_path, "")
    assert config.locate(("console", "enabled")).short == "--debug"
    assert config.locate(("admin", "enabled")).short == "--debug"


def test_it_is_closed_where_nobody_develops(tmp_path: Path) -> None:
    assert not load(tmp_path, "admin: {enabled: true}", developing=False).settings.has_console


def test_a_server_at_the_port_of_the_admin_listener_keeps_it(tmp_path: Path) -> None:
    settings = load(tmp_path, "server: {port: 9901}").settings
    assert (settings.server.port, settings.admin.port) == (9901, 0)
