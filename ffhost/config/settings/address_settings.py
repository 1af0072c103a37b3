"""Addresses of the host itself on the public port: the API document, and tools for agents."""

from typing import Annotated, Any

from ffhost.config.settings.auth_settings import Ways
from ffhost.config.settings.names import Wildcard, read_path
from ffhost.config.settings.scalars import InvalidValue, Kind, Text
from ffhost.config.settings.section import Section, key


def _read_own_path(value: Any) -> str:
    path = read_path(value)
    if "{" in path or path == "/":
        raise InvalidValue("expected a path other than '/', and without parameters")
    return path


OwnPath = Annotated[str, Kind(_read_own_path, {"type": "string", "pattern": r"^(/[^/?#%{}]+)+$"})]


class OpenapiSettings(Section):
    """The OpenAPI document on the public port, where anybody can read it."""

    path: OwnPath = key(
        "/openapi.json", "Path", "Where the document is served.", "/openapi.json", "/docs/api.json"
    )
    title: Text | None = key(
        None, "Title", "Title of the API. Default: the name of this file's folder.", "Orders"
    )
    version: Text = key("1.0.0", "Version", "Version of the API.", "2.1.0")


class McpSettings(Section):
    """The address at which agents find the functions with ``tool: true`` (MCP)."""

    path: OwnPath = key("/mcp", "Path", "Where agents connect, by streamable HTTP.", "/mcp")
    auth: Ways | None = key(
        None,
        "Door",
        "Ways under auth, any of which opens the address; or public. Default: as in defaults.",
        "staff",
        "public",
    )
    allow_origins: Wildcard = key(
        list,
        "Origins",
        "Origins whose pages may connect from a browser, besides those of this machine; or '*'.",
        ["https://agents.example.com"],
        "*",
    )
