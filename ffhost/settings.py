"""The models of ``functions.yaml``: every key, its type, its default and its description.

Knows the form of single values only. Where values come from, and whether two of them
contradict each other, is known to `ffhost.config`.

Numbers without a bound are infinite: ``unlimited`` becomes ``math.inf`` in every limit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, field_validator
from pydantic_core import CoreSchema, core_schema

from ffhost.units import UNLIMITED, ByteSize, Duration

NAME_PATTERN = "[A-Za-z][A-Za-z0-9_-]{0,62}"
"""What the name of a function looks like, as a whole."""
BUILT_IN_HOOKS = ("otel", "profile", "log")
"""Trace hooks that need no ``target``."""
RESERVED_PATH = "/_ffhost"
"""The probes live below it; no function may."""

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ATTRIBUTE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"


class Wrong(ValueError):
    """A value that does not fit; *hint* says what would."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Secret(str):
    """A text that came from ``from_file`` or ``from_env``; its repr does not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


# ── kinds of values ───────────────────────────────────────────────────────────


class _Kind:
    """A kind of scalar: how it is read, and how the JSON schema describes it."""

    def __init__(self, read: Callable[[Any], Any], schema: dict[str, Any]) -> None:
        self.read = read
        self.schema = schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(plain)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


def plain(value: Any) -> Any:
    """Give *value* as it would be written in the file."""
    if isinstance(value, Duration | ByteSize):
        return str(value)
    return "unlimited" if value == UNLIMITED else value


def _duration(*, zero: bool = False, unlimited: bool = False) -> _Kind:
    expected = "expected a duration with its unit, such as '250ms', '10s' or '2m'"
    if unlimited:
        expected += ", or 'unlimited'"

    def read(value: Any) -> Duration:
        if isinstance(value, Duration):
            return value
        if unlimited and value == "unlimited":
            return Duration(UNLIMITED)
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise Wrong(f"{expected}, got {value!r}", f"write '{value}s' for seconds")
        try:
            duration = Duration.parse(value)
        except (ValueError, AttributeError):
            raise Wrong(f"{expected}, got {shown(value)}", _hint_of_unit(value)) from None
        if math.isinf(duration):
            raise Wrong("the duration is too large", "write 'unlimited'" if unlimited else None)
        if not duration and not zero:
            raise Wrong("must be longer than 0s", "write 'unlimited'" if unlimited else None)
        return duration

    nonzero = "" if zero else r"(?=[0-9.]*[1-9])"
    pattern = rf"{nonzero}\s*\d+(\.\d+)?\s*(ms|s|m|h)\s*"
    return _Kind(
        read,
        {
            "type": "string",
            "pattern": f"^({pattern}|unlimited)$" if unlimited else f"^{pattern}$",
        },
    )


def _hint_of_unit(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"\d+:\d\d(:\d\d)?", value):
        return "a time of day is not a duration: write '90s' or '1m'"
    if isinstance(value, str) and re.fullmatch(r"\d+", value):
        return f"write '{value}s' for seconds"
    return None


def _size(*, unlimited: bool = False) -> _Kind:
    expected = "expected a size with its unit, such as '512KiB', '32MiB' or '10MB'"
    if unlimited:
        expected += ", or 'unlimited'"

    def read(value: Any) -> ByteSize | float:
        if isinstance(value, ByteSize):
            return value
        if unlimited and value in ("unlimited", UNLIMITED):
            return UNLIMITED
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise Wrong(f"{expected}, got {value!r}", f"write '{value}B' for bytes")
        try:
            size = ByteSize.parse(value)
        except (ValueError, AttributeError):
            raise Wrong(f"{expected}, got {shown(value)}") from None
        except OverflowError:
            raise Wrong("the size is too large") from None
        if not size:
            raise Wrong("must be larger than 0B", "write 'unlimited'" if unlimited else None)
        return size

    pattern = r"(?=[0-9.]*[1-9])\s*\d+(\.\d+)?\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)\s*"
    return _Kind(
        read,
        {
            "type": "string",
            "pattern": f"^({pattern}|unlimited)$" if unlimited else f"^{pattern}$",
        },
    )


def _count(minimum: int, *, unlimited: bool = False, maximum: int | None = None) -> _Kind:
    expected = "expected a whole number"
    if unlimited:
        expected += " or 'unlimited'"

    def read(value: Any) -> int | float:
        if unlimited and value in ("unlimited", UNLIMITED):
            return UNLIMITED
        if not isinstance(value, int) or isinstance(value, bool):
            raise Wrong(f"{expected}, got {shown(value)}", _hint_of_number(value))
        if value < minimum:
            word = "; write 'unlimited' for no limit" if unlimited and value == 0 else ""
            raise Wrong(f"must be at least {minimum}, got {value}{word}")
        if maximum is not None and value > maximum:
            raise Wrong(f"must be at most {maximum}, got {value}")
        return value

    number: dict[str, Any] = {"type": "integer", "minimum": minimum}
    if maximum is not None:
        number["maximum"] = maximum
    return _Kind(read, {"anyOf": [number, {"const": "unlimited"}]} if unlimited else number)


def _hint_of_number(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"0\d+", value):
        return f"a leading zero could mean octal: write {value.lstrip('0') or '0'}"
    if isinstance(value, str) and re.fullmatch(r"\d+", value):
        return "remove the quotes"
    if isinstance(value, str) and re.fullmatch(r"\d[\d_]*", value):
        return f"write {value.replace('_', '')}"
    return None


def shown(value: Any) -> str:
    """Show *value* in a message: short, on one line, and never a secret."""
    if isinstance(value, Secret):
        return "a secret"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
    hint = None
    if isinstance(value, str):
        word = words.get(value.lower(), value.lower())
        hint = f"write {word}" if word in ("true", "false") else None
    raise Wrong(f"expected true or false, got {shown(value)}", hint)


def read_target(value: Any) -> str:
    """Check the form of ``file.py:attr``, ``package.module:attr`` or ``attr``."""
    if not isinstance(value, str):
        raise Wrong(f"expected a target, got {shown(value)}", "write 'main.py:hello'")
    module, colon, attribute = value.rpartition(":")
    if not re.fullmatch(_ATTRIBUTE, attribute):
        bare = value.removesuffix(".py")
        hint = f"write '{value}:NAME'" if value.endswith(".py") else "write 'main.py:hello'"
        if not colon and "." in bare and not value.endswith(".py"):
            hint = f"write '{bare.replace('/', '.')}:NAME'"
        raise Wrong(f"expected a target such as 'main.py:hello', got {shown(value)}", hint)
    if colon and not module.endswith(".py") and not re.fullmatch(_ATTRIBUTE, module):
        raise Wrong(
            f"{module!r} is neither a file that ends with .py nor the name of a module",
            "write 'folder/main.py:hello' or 'package.module:hello'",
        )
    return value


def _read_hook_target(value: Any) -> str:
    target = read_target(value)
    if ":" not in target:
        raise Wrong(
            f"expected 'module:function', got {shown(value)}", f"write 'mycompany.hooks:{target}'"
        )
    return target


def read_path(value: Any) -> str:
    """Check a path or path template."""
    if not isinstance(value, str):
        raise Wrong(f"expected a path such as '/users/{{id}}', got {shown(value)}")
    if not value.startswith("/"):
        raise Wrong(f"a path begins with '/', got {shown(value)}", f"write '/{value}'")
    if value == "/":
        return value
    if value.endswith("/"):
        raise Wrong(
            "a path does not end with '/'",
            f"{value.rstrip('/') or '/'!r} owns what is below it too",
        )
    for char, why in (("?", "a query"), ("#", "a fragment"), ("%", "percent-encoding")):
        if char in value:
            raise Wrong(
                f"a path holds no {why.removeprefix('a ')}, got {shown(value)}",
                "paths are compared decoded" if char == "%" else None,
            )
    names: list[str] = []
    for segment in value[1:].split("/"):
        names += _read_segment(segment, value)
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise Wrong(f"the parameter {doubled!r} occurs twice")
    if value == RESERVED_PATH or value.startswith(RESERVED_PATH + "/"):
        raise Wrong(f"paths below {RESERVED_PATH} belong to the host's probes")
    return value


def _read_segment(segment: str, path: str) -> list[str]:
    if segment in ("", ".", ".."):
        what = "an empty segment" if not segment else f"the segment {segment!r}"
        raise Wrong(f"a path holds no {what.removeprefix('an ')}, got {path!r}")
    if any(char < " " or char in "\x7f\\" for char in segment):
        raise Wrong(f"a path holds no control characters or backslashes, got {shown(path)}")
    if "{" not in segment and "}" not in segment:
        return []
    match = _PARAMETER.fullmatch(segment)
    if match is None:
        converter = re.fullmatch(r"\{([A-Za-z_]\w*):[^{}]*\}", segment)
        hint = f"write '{{{converter[1]}}}': a value is always text" if converter else None
        raise Wrong(f"a parameter is a whole segment like '{{id}}', got {segment!r}", hint)
    return [match[1]]


def _read_method(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Z][A-Z0-9_-]*", value):
        return value
    upper = value.upper() if isinstance(value, str) else ""
    known = re.fullmatch(r"[A-Z][A-Z0-9_-]*", upper)
    raise Wrong(
        f"expected a method in capitals, got {shown(value)}", f"write {upper}" if known else None
    )


def _read_proxies(value: Any) -> list[str]:
    from ipaddress import ip_network

    if value == "all":
        return ["all"]
    if not isinstance(value, list):
        raise Wrong(
            f"expected a list of addresses and networks, or 'all', got {shown(value)}",
            f"write [{value!r}]" if isinstance(value, str) else None,
        )
    for each in value:
        try:
            if each != "all":
                ip_network(each if isinstance(each, str) else "", strict=False)
        except ValueError:
            raise Wrong(
                f"expected an address, a network or 'all', got {shown(each)}",
                "write '10.0.0.0/8' or '192.168.1.7'",
            ) from None
    return [str(each) for each in value]


Boolean = Annotated[bool, _Kind(_read_boolean, {"type": "boolean"})]
Span = Annotated[Duration, _duration()]
SpanOrZero = Annotated[Duration, _duration(zero=True)]
SpanOrUnlimited = Annotated[Duration, _duration(unlimited=True)]
Size = Annotated[ByteSize, _size()]
SizeOrUnlimited = Annotated[ByteSize | float, _size(unlimited=True)]
CountOrUnlimited = Annotated[int | float, _count(1, unlimited=True)]
Count = Annotated[int, _count(1)]
Port = Annotated[int, _count(0, maximum=65535)]
Status = Annotated[int, _count(100, maximum=599)]
Target = Annotated[str, _Kind(read_target, {"type": "string", "pattern": rf"^(.+:)?{_ATTRIBUTE}$"})]
HookTarget = Annotated[
    str, _Kind(_read_hook_target, {"type": "string", "pattern": rf"^.+:{_ATTRIBUTE}$"})
]
PathTemplate = Annotated[
    str, _Kind(read_path, {"type": "string", "pattern": r"^/$|^(/[^/?#%\\]+)+$"})
]
Method = Annotated[str, _Kind(_read_method, {"type": "string", "pattern": "^[A-Z][A-Z0-9_-]*$"})]
Proxies = Annotated[
    list[str],
    _Kind(
        _read_proxies,
        {"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}]},
    ),
]
Level = Literal["debug", "info", "warning", "error", "critical"]
Signature = Literal["http", "cloudevent", "event", "typed", "wsgi", "asgi"]
Free = dict[str, Any]
"""A mapping whose keys are the user's own; ``x-`` keys are data there."""


def _key(default: Any, title: str, description: str, *examples: Any, **rules: Any) -> Any:
    """Describe a key. A callable default makes a new value each time."""
    if callable(default):
        rules["default_factory"] = default
    else:
        rules["default"] = default
    return Field(title=title, description=description, examples=list(examples), **rules)


class Section(BaseModel):
    """A mapping with known keys. Keys that begin with ``x-`` are dropped before it is made."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )
    free: ClassVar[frozenset[str]] = frozenset()
    """Keys below which everything is the user's own."""


# ── the host ──────────────────────────────────────────────────────────────────


class ServerSettings(Section):
    """The listener and its workers. Changes need a restart."""

    host: str = _key(
        "0.0.0.0", "Address", "Address that the server listens on.", "0.0.0.0", "127.0.0.1", "::"
    )
    port: Port = _key(
        8080,
        "Port",
        "Port that the server listens on. The environment variable PORT replaces it. "
        "0 takes any free port.",
        8080,
        9000,
    )
    workers: Count = _key(
        1, "Workers", "Processes that serve. Limits of functions count per worker.", 1, 4
    )
    threads: Count = _key(
        8, "Server threads", "Server threads of a worker with the wsgi interface.", 8, 32
    )
    interface: Literal["asgi", "wsgi"] = _key(
        "asgi", "Interface", "How the server calls the host: asgi, or wsgi on threads.", "asgi"
    )
    debug: Boolean = _key(
        False,
        "Debugging",
        "Show tracebacks to callers and more in the log. Never in production.",
        False,
        True,
    )
    max_body_size: SizeOrUnlimited = _key(
        ByteSize(32 * 1024**2),
        "Largest request body",
        "A larger body is answered with 413, also where no Content-Length is sent. "
        "A function may replace it.",
        "32MiB",
        "unlimited",
    )
    read_timeout: SpanOrUnlimited = _key(
        Duration(30),
        "Time to read a request",
        "How long a client may take to send headers and body; then 408, or the connection closes.",
        "30s",
    )
    keepalive: SpanOrZero = _key(
        Duration(75),
        "Keep-alive",
        "How long an idle connection is kept. Longer than the load balancer's idle time.",
        "75s",
    )
    drain_delay: SpanOrZero = _key(
        Duration(2),
        "Drain delay",
        "After SIGTERM the host is not ready but still serves for this time. "
        "Unless written, 0s on a terminal.",
        "2s",
        "10s",
    )
    graceful_timeout: SpanOrZero = _key(
        Duration(30),
        "Graceful timeout",
        "After the drain delay, what is in flight may take this long.",
        "30s",
    )
    stall_timeout: SpanOrUnlimited = _key(
        Duration(120),
        "Stall timeout",
        "A worker whose loop does not turn for this long is replaced.",
        "120s",
    )
    trusted_proxies: Proxies = _key(
        list,
        "Trusted proxies",
        "Addresses and networks, or all, whose X-Forwarded-* headers are believed.",
        ["10.0.0.0/8", "192.168.1.7"],
        "all",
    )
    on_startup: list[HookTarget] = _key(
        list,
        "Start-up hooks",
        "Functions, as module:function, that run in each worker before it serves.",
        ["mycompany.hooks:connect"],
    )
    on_shutdown: list[HookTarget] = _key(
        list,
        "Shut-down hooks",
        "Functions, as module:function, that run in each worker after its last call.",
        ["mycompany.hooks:disconnect"],
    )


class AdminSettings(Section):
    """A listener of its own for metrics, the function list and the effective configuration."""

    enabled: Boolean = _key(False, "Switch", "Whether the admin listener is opened.", True)
    host: str = _key(
        "127.0.0.1", "Address", "Address that the admin listener binds.", "127.0.0.1", "0.0.0.0"
    )
    port: Port = _key(9901, "Port", "Port of the admin listener; 0 takes any free port.", 9901)


class LoggingSettings(Section):
    """What is logged, and how an entry looks."""

    level: Level = _key("info", "Level", "The least severe level that is logged.", "info", "debug")
    levels: dict[str, Level] = _key(
        dict,
        "Levels by logger",
        "Levels of single loggers and of all loggers below them.",
        {"sqlalchemy": "warning"},
    )
    format: Literal["json", "console"] = _key(
        "json",
        "Format",
        "JSON lines, or lines for people. Unless written, console on a terminal.",
        "json",
        "console",
    )
    profile: Literal["default", "gcp", "ecs"] = _key(
        "default",
        "Field names",
        "Names of the fields: ffhost's own, Google Cloud Logging's, or Elastic's common schema.",
        "gcp",
    )
    stream: Literal["stdout", "split"] = _key(
        "stdout", "Stream", "Everything to stdout, or warnings and above to stderr.", "split"
    )
    max_entry: Size = _key(
        ByteSize(256 * 1024), "Longest entry", "An entry longer than this is cut.", "256KiB"
    )
    invocations: Boolean = _key(True, "Summary entries", "Log one entry for each call.", False)
    capture_print: Boolean = _key(
        False,
        "Capture print",
        "Turn what user code prints into entries with their execution id.",
        True,
    )


class HookSettings(Section):
    """One trace hook."""

    free: ClassVar[frozenset[str]] = frozenset({"options"})

    target: HookTarget | None = _key(
        None,
        "Target",
        "The hook as module:function. The built-in hooks otel, profile and log need none.",
        "mycompany.hooks:audit",
    )
    enabled: Boolean = _key(True, "Switch", "Whether the hook runs.", True, False)
    options: Free = _key(
        dict,
        "Options",
        "Handed to the hook. Values may be secrets: {from_file: PATH} or {from_env: NAME}.",
        {"endpoint": "http://collector:4318"},
    )


class TracingSettings(Section):
    """Hooks around every call."""

    enabled: Boolean = _key(False, "Switch", "Whether any trace hook runs.", True)
    hooks: dict[str, HookSettings] = _key(
        dict,
        "Hooks",
        "Hooks by name, run in this order.",
        {"otel": {"options": {"endpoint": "http://collector:4318"}}},
    )


class FunctionTracingSettings(Section):
    """Trace hooks of one function."""

    enabled: Boolean | None = _key(
        None,
        "Switch",
        "Whether trace hooks run around this function; unless written, as the host's.",
        False,
    )
    hooks: dict[str, HookSettings] = _key(
        dict,
        "Hooks",
        "Further hooks of this function, or other options of the host's hooks of that name.",
        {"audit": {"enabled": False}},
    )


class MetricsSettings(Section):
    """Counting of calls."""

    enabled: Boolean = _key(
        True, "Switch", "Whether calls are counted, while the admin listener is open.", False
    )


class ConfigReloadSettings(Section):
    """Applying changes of this file without a restart."""

    enabled: Boolean = _key(True, "Switch", "Whether the files are watched.", False)
    interval: Span = _key(
        Duration(2), "Interval", "How often the files' contents are compared.", "2s", "200ms"
    )


class DefaultSettings(Section):
    """Limits of every function that does not give its own."""

    timeout: SpanOrUnlimited = _key(
        Duration(60),
        "Deadline",
        "A call that takes longer is answered with 504.",
        "60s",
        "unlimited",
    )
    concurrency: CountOrUnlimited = _key(
        40,
        "Slots",
        "Calls of one function that run at once in a worker.",
        40,
        "unlimited",
    )
    queue: CountOrUnlimited = _key(
        100, "Queue", "Calls of one function that wait for a slot; more get 429.", 100, "unlimited"
    )
    queue_timeout: SpanOrUnlimited = _key(
        Duration(5), "Time in the queue", "A call that waits longer gets 429.", "5s"
    )
    stuck_limit: CountOrUnlimited = _key(
        10,
        "Stuck threads",
        "A worker with more threads than this running past their deadline is replaced.",
        10,
    )


# ── one function ──────────────────────────────────────────────────────────────


class CorsSettings(Section):
    """Cross-origin requests; off unless declared."""

    allow_origins: list[str] | Literal["*"] = _key(
        list,
        "Origins",
        "Origins that may call the function from a browser, or '*'.",
        ["https://app.example.com"],
        "*",
    )
    allow_methods: list[Method] | None = _key(
        None,
        "Methods",
        "Methods that a preflight allows; unless written, the function's.",
        ["POST"],
    )
    allow_headers: list[str] | Literal["*"] = _key(
        list, "Request headers", "Headers that a preflight allows, or '*'.", ["content-type"], "*"
    )
    expose_headers: list[str] = _key(
        list, "Response headers", "Headers of the answer that scripts may read.", ["x-total"]
    )
    allow_credentials: Boolean = _key(
        False, "Credentials", "Whether cookies and authorization may be sent.", True
    )
    max_age: SpanOrZero = _key(
        Duration(600), "Preflight cache", "How long a browser may keep a preflight's answer.", "10m"
    )


class ExampleRequest(Section):
    """The request of an example."""

    free: ClassVar[frozenset[str]] = frozenset({"headers", "json"})

    method: Method | None = _key(
        None, "Method", "Unless written, GET without a body and POST with one.", "POST"
    )
    path: str | None = _key(
        None,
        "Path",
        "Path and query; unless written, the function's path.",
        "/users/7?full=1",
    )
    headers: dict[str, str] = _key(
        dict, "Headers", "Header fields of the request.", {"accept": "application/json"}
    )
    body: str | None = _key(None, "Body", "The body as text.", "hello")
    payload: Any = _key(
        None, "JSON body", "The body as a value, sent as JSON.", {"name": "Ada"}, alias="json"
    )


class ExampleResponse(Section):
    """What an example expects."""

    free: ClassVar[frozenset[str]] = frozenset({"headers", "json"})

    status: Status | None = _key(
        None, "Status", "The status expected; unless written, any below 400.", 200
    )
    headers: dict[str, str] = _key(
        dict, "Headers", "Header fields that the answer must have.", {"content-type": "text/plain"}
    )
    body: str | None = _key(None, "Body", "The whole body expected.", "hello")
    payload: Any = _key(
        None,
        "JSON body",
        "A value that the body, read as JSON, must hold; it may hold more keys.",
        {"name": "Ada"},
        alias="json",
    )


class ExampleSettings(Section):
    """One example of a call, run by ``ffhost test``."""

    free: ClassVar[frozenset[str]] = frozenset({"event"})

    name: str | None = _key(None, "Name", "What the example shows.", "greets by name")
    request: ExampleRequest | None = _key(
        None, "Request", "The request that is sent.", {"method": "POST", "json": {"name": "Ada"}}
    )
    event: Free | None = _key(
        None,
        "Event",
        "The event that is sent: attributes of a CloudEvent, and its data.",
        {"type": "com.example.created", "data": {"id": 7}},
    )
    response: ExampleResponse = _key(
        ExampleResponse, "Response", "What the answer must be.", {"status": 200}
    )


class FunctionSettings(Section):
    """One function."""

    free: ClassVar[frozenset[str]] = frozenset({"config"})

    target: Target = Field(
        title="Target",
        description="What is called: file.py:attr, package.module:attr, or attr with source.",
        examples=["main.py:hello", "mycompany.images:resize", "resize"],
    )
    source: str | None = _key(
        None,
        "Source",
        "The file that defines the target, relative to this file.",
        "services/images/main.py",
    )
    path: PathTemplate = _key(
        "",
        "Path",
        "The path that the function owns, with everything below it. It may hold parameters. "
        "Unless written, '/' and the function's name.",
        "/hello",
        "/users/{id}",
    )
    signature: Signature | None = _key(
        None,
        "Signature",
        "What the function gets and returns. Unless written, as its decorator or its annotations "
        "say, else http.",
        "http",
        "cloudevent",
    )
    methods: list[Method] | None = _key(
        None,
        "Methods",
        "Methods that the function answers; unless written, all of them for http, else POST.",
        ["GET", "POST"],
        min_length=1,
    )
    timeout: SpanOrUnlimited | None = _key(
        None,
        "Deadline",
        "A call that takes longer is answered with 504. Unless written, as in defaults.",
        "10s",
        "unlimited",
    )
    concurrency: CountOrUnlimited | None = _key(
        None,
        "Slots",
        "Calls that run at once in a worker. Unless written, as in defaults.",
        4,
        "unlimited",
    )
    queue: CountOrUnlimited | None = _key(
        None,
        "Queue",
        "Calls that wait for a slot; more get 429. Unless written, as in defaults.",
        100,
    )
    queue_timeout: SpanOrUnlimited | None = _key(
        None,
        "Time in the queue",
        "A call that waits longer gets 429. Unless written, as in defaults.",
        "5s",
    )
    max_body_size: SizeOrUnlimited | None = _key(
        None,
        "Largest request body",
        "Replaces the server's limit, also upward.",
        "100MiB",
        "unlimited",
    )
    cors: CorsSettings | None = _key(
        None,
        "CORS",
        "Cross-origin requests; refused unless declared.",
        {"allow_origins": ["https://app.example.com"]},
    )
    config: Free = _key(
        dict,
        "Values",
        "Handed to the function through its context. Values may be secrets: {from_file: PATH} or "
        "{from_env: NAME}.",
        {"quality": 80, "token": {"from_env": "API_TOKEN"}},
    )
    request: Literal["auto", "ffhost", "flask", "starlette"] = _key(
        "auto", "Request class", "The class of the request that an http function gets.", "flask"
    )
    isolation: Literal["thread", "process"] = _key(
        "thread",
        "Isolation",
        "Where calls run: in the worker, or in processes of the function's own that are killed at "
        "the deadline.",
        "process",
    )
    processes: Count | None = _key(
        None,
        "Processes",
        "Processes of an isolated function; they are its slots. Unless written, 1.",
        2,
    )
    memory: Size | None = _key(
        None, "Memory", "Memory that one process of an isolated function may use.", "512MiB"
    )
    enabled: Boolean = _key(
        True, "Switch", "false answers 503 without a restart, and 410 with gone: true.", False
    )
    gone: Boolean = _key(
        False, "Gone", "Whether a function that is switched off is gone for good: 410.", True
    )
    required: Boolean = _key(
        True,
        "Required",
        "Whether the host is ready only with this function. Unless written, false with "
        "on_load_error: unavailable.",
        False,
    )
    lazy: Boolean = _key(False, "Lazy", "Load the function at its first call.", True)
    on_load_error: Literal["fail", "unavailable"] = _key(
        "fail",
        "On a load error",
        "Refuse to start, or serve the others and answer 503 for this one.",
        "unavailable",
    )
    import_budget: SpanOrUnlimited | None = _key(
        None, "Import budget", "Loading that takes longer is a load error.", "5s"
    )
    tracing: FunctionTracingSettings = _key(
        FunctionTracingSettings, "Tracing", "Trace hooks of this function.", {"enabled": True}
    )
    examples: list[ExampleSettings] = _key(
        list,
        "Examples",
        "Calls and the answers expected, run by ffhost test.",
        [{"request": {"method": "POST"}, "response": {"status": 200}}],
    )


class Settings(Section):
    """Everything that ``functions.yaml`` can say."""

    version: Literal[1] = _key(1, "Version", "Version of this format.", 1)
    server: ServerSettings = _key(
        ServerSettings,
        "Server",
        "The listener and its workers; changes need a restart.",
        {"port": 8080},
    )
    admin: AdminSettings = _key(
        AdminSettings,
        "Admin listener",
        "A listener of its own for metrics, function list and effective configuration.",
        {"enabled": True},
    )
    logging: LoggingSettings = _key(
        LoggingSettings, "Logging", "What is logged, and how an entry looks.", {"level": "debug"}
    )
    tracing: TracingSettings = _key(
        TracingSettings, "Tracing", "Hooks around every call.", {"enabled": True}
    )
    metrics: MetricsSettings = _key(
        MetricsSettings,
        "Metrics",
        "Counting; acts while the admin listener is open.",
        {"enabled": False},
    )
    config_reload: ConfigReloadSettings = _key(
        ConfigReloadSettings,
        "Configuration reload",
        "Applying changes of this file without a restart.",
        {"interval": "10s"},
    )
    env_file: str | None = _key(
        None,
        "Environment file",
        "A dotenv file, relative to this file; the environment wins over it.",
        ".env",
    )
    defaults: DefaultSettings = _key(
        DefaultSettings,
        "Defaults",
        "Limits of every function that does not give its own.",
        {"timeout": "30s"},
    )
    functions: dict[Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")], FunctionSettings] = _key(
        dict, "Functions", "The functions by name.", {"hello": {"target": "main.py:hello"}}
    )

    @field_validator("functions", mode="before")
    @classmethod
    def _complete(cls, functions: Any) -> Any:
        """Give each function the defaults that follow from its name and its other keys."""
        if not isinstance(functions, dict):
            return functions
        return {name: _completed(name, each) for name, each in functions.items()}

    def function(self, name: str) -> FunctionSettings:
        """Give the settings of the function *name* with the host's limits filled in."""
        function, defaults = self.functions[name], self.defaults
        limits: dict[str, Any] = {
            key: getattr(defaults, key)
            for key in ("timeout", "concurrency", "queue", "queue_timeout")
            if getattr(function, key) is None
        }
        if function.max_body_size is None:
            limits["max_body_size"] = self.server.max_body_size
        if function.isolation == "process":
            limits["processes"] = function.processes or 1
            limits["concurrency"] = limits["processes"]
        return function.model_copy(update=limits)


def _completed(name: Any, function: Any) -> Any:
    if not isinstance(function, dict):
        return function
    function = dict(function)
    if function.get("path") is None:
        function["path"] = f"/{name}"
    if function.get("on_load_error") == "unavailable":
        function.setdefault("required", False)
    return function
