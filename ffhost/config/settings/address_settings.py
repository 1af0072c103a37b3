"""Addresses of the host itself on the public port: the API document, and tools for agents."""

from typing import Annotated, Any

from ffhost.config.settings.auth_settings import Ways
from ffhost.config.settings.names import Wildcard, read_path_setting
from ffhost.config.settings.scalars import InvalidSetting, SettingKind, Text
from ffhost.config.settings.section import SettingsSection, setting_key


def _read_own_path(value: Any) -> str:
    path = read_path_setting(value)
    if "{" in path or path == "/":
        raise InvalidSetting("expected a path other than '/', and without parameters")
    return path


OwnPath = Annotated[
    str, SettingKind(_read_own_path, {"type": "string", "pattern": r"^(/[^/?#%{}]+)+$"})
]


class OpenapiSettings(SettingsSection):
    """The OpenAPI document on the public port, where anybody can read it."""

    path: OwnPath = setting_key(
        "/openapi.json", "Path", "Where the document is served.", "/openapi.json", "/docs/api.json"
    )
    title: Text | None = setting_key(
        None, "Title", "Title of the API. Default: the name of this file's folder.", "Orders"
    )
    version: Text = setting_key("1.0.0", "Version", "Version of the API.", "2.1.0")


class McpSettings(SettingsSection):
    """The address at which agents find the functions with ``tool: true`` (MCP)."""

    path: OwnPath = setting_key("/mcp", "Path", "Where agents connect, by streamable HTTP.", "/mcp")
    auth: Ways | None = setting_key(
        None,
        "Door",
        "Ways under auth, any of which opens the address; or public. Default: as in defaults.",
        "staff",
        "public",
    )
    allow_origins: Wildcard = setting_key(
        list,
        "Origins",
        "Origins whose pages may connect from a browser, besides those of this machine; or '*'.",
        ["https://agents.example.com"],
        "*",
    )
