"""One function of ``functions.yaml``, its cross-origin rules and its examples."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from ffhost.config.settings.auth_settings import Texts, Ways
from ffhost.config.settings.event_settings import (
    DeliverySettings,
    ScheduleSettings,
    SubscriptionSettings,
)
from ffhost.config.settings.hook_settings import FunctionTracingSettings
from ffhost.config.settings.names import (
    Method,
    PathTemplate,
    RequestClass,
    Target,
    VariableName,
    VariableValue,
    Wildcard,
)
from ffhost.config.settings.scalars import (
    Boolean,
    Count,
    CountOrUnlimited,
    NotEmptySetting,
    Size,
    SizeOrUnlimited,
    SpanOrUnlimited,
    SpanOrZero,
    Status,
    Text,
)
from ffhost.config.settings.section import (
    Free,
    SettingsSection,
    required_setting,
    setting_key,
    settings_section,
)
from ffhost.config.units import Duration

Signature = Literal["http", "cloudevent", "event", "typed", "wsgi", "asgi"]
SIGNATURES: tuple[str, ...] = get_args(Signature)
EVENT_OR_TYPED = ("cloudevent", "event", "typed")
"""Signatures whose functions are called by POST."""


class CorsSettings(SettingsSection):
    """Cross-origin requests; off unless declared."""

    allow_origins: Wildcard = setting_key(
        list,
        "Origins",
        "Origins that may call the function from a browser, or '*'.",
        ["https://app.example.com"],
        "*",
    )
    allow_methods: list[Method] | None = setting_key(
        None,
        "Methods",
        "Methods that a preflight allows; default: the function's.",
        ["POST"],
    )
    allow_headers: Wildcard = setting_key(
        list, "Request headers", "Headers that a preflight allows, or '*'.", ["content-type"], "*"
    )
    expose_headers: list[str] = setting_key(
        list, "Response headers", "Headers of the answer that scripts may read.", ["x-total"]
    )
    allow_credentials: Boolean = setting_key(
        False, "Credentials", "Whether cookies and authorization may be sent.", True
    )
    max_age: SpanOrZero = setting_key(
        Duration(600), "Preflight cache", "How long a browser may keep a preflight's answer.", "10m"
    )


class ExampleRequest(SettingsSection):
    """The request of an example."""

    free: ClassVar[frozenset[str]] = frozenset({"headers", "json"})

    method: Method | None = setting_key(
        None, "Method", "Default: GET without a body and POST with one.", "POST"
    )
    path: str | None = setting_key(
        None,
        "Path",
        "Path and query; default: the function's path.",
        "/users/7?full=1",
    )
    headers: dict[str, str] = setting_key(
        dict, "Headers", "Header fields of the request.", {"accept": "application/json"}
    )
    body: str | None = setting_key(None, "Body", "The body as text.", "hello")
    payload: Any = setting_key(
        None, "JSON body", "The body as a value, sent as JSON.", {"name": "Ada"}
    )


class ExampleResponse(SettingsSection):
    """What an example expects."""

    free: ClassVar[frozenset[str]] = frozenset({"headers", "json"})

    status: Status | None = setting_key(
        None, "Status", "The status expected; default: any below 400.", 200
    )
    headers: dict[str, str] = setting_key(
        dict, "Headers", "Header fields that the answer must have.", {"content-type": "text/plain"}
    )
    body: str | None = setting_key(None, "Body", "The whole body expected.", "hello")
    payload: Any = setting_key(
        None,
        "JSON body",
        "A value that the body, read as JSON, must hold; it may hold more keys.",
        {"name": "Ada"},
    )


class ExampleSettings(SettingsSection):
    """One example of a call, run by ``ffhost test``."""

    free: ClassVar[frozenset[str]] = frozenset({"event"})

    name: Text | None = setting_key(None, "Name", "What the example shows.", "greets by name")
    request: ExampleRequest | None = setting_key(
        None, "Request", "The request that is sent.", {"method": "POST", "json": {"name": "Ada"}}
    )
    event: Free | None = setting_key(
        None,
        "Event",
        "The event that is sent: attributes of a CloudEvent, and its data.",
        {"type": "com.example.created", "data": {"id": 7}},
    )
    response: ExampleResponse = settings_section(
        ExampleResponse, "Response", "What the answer must be.", {"status": 200}
    )


class FunctionSettings(SettingsSection):
    """One function."""

    free: ClassVar[frozenset[str]] = frozenset({"config"})

    target: Target = required_setting(
        "Target",
        "What is called: file.py:attr, package.module:attr, or attr with source.",
        "main.py:hello",
        "mycompany.images:resize",
        "resize",
    )
    source: Text | None = setting_key(
        None,
        "Source",
        "The file that defines the target, relative to this file.",
        "services/images/main.py",
    )
    path: PathTemplate = setting_key(
        "",
        "Path",
        "The path that the function owns, with everything below it. It may hold parameters. "
        "Default: '/' and the function's name.",
        "/hello",
        "/users/{id}",
    )
    signature: Signature | None = setting_key(
        None,
        "Signature",
        "What the function gets and returns. Default: as its decorator or its annotations "
        "say, else http.",
        "http",
        "cloudevent",
    )
    methods: Annotated[list[Method], NotEmptySetting()] | None = setting_key(
        None,
        "Methods",
        "Methods that the function answers; default: all of them for http, else POST.",
        ["GET", "POST"],
    )
    timeout: SpanOrUnlimited | None = setting_key(
        None,
        "Deadline",
        "A call that takes longer is answered with 504. Default: the value in defaults.",
        "10s",
        "unlimited",
    )
    concurrency: CountOrUnlimited | None = setting_key(
        None,
        "Slots",
        "Calls that run at once in a worker. Default: the value in defaults.",
        4,
        "unlimited",
    )
    queue: CountOrUnlimited | None = setting_key(
        None,
        "Queue",
        "Calls that wait for a slot; more get 429. Default: the value in defaults.",
        100,
    )
    queue_timeout: SpanOrUnlimited | None = setting_key(
        None,
        "Time in the queue",
        "A call that waits longer gets 429. Default: the value in defaults.",
        "5s",
    )
    max_body_size: SizeOrUnlimited | None = setting_key(
        None,
        "Largest request body",
        "Replaces the server's limit, also upward.",
        "100MiB",
        "unlimited",
    )
    auth: Ways | None = setting_key(
        None,
        "Door",
        "Ways under auth, any of which opens the function; or public. Default: as in defaults.",
        "staff",
        ["staff", "machines"],
        "public",
    )
    cors: CorsSettings | None = setting_key(
        None,
        "CORS",
        "Cross-origin requests; refused unless declared.",
        {"allow_origins": ["https://app.example.com"]},
    )
    config: Free = setting_key(
        dict,
        "Values",
        "Passed to the function as its config. Values may be secrets: {from_file: PATH} or "
        "{from_env: NAME}.",
        {"quality": 80, "token": {"from_env": "API_TOKEN"}},
    )
    calls: list[Text] | None = setting_key(
        None,
        "Calls",
        "Functions that it may call by name. Default: all of them.",
        ["resize"],
        [],
    )
    url: Text | None = setting_key(
        None,
        "Address elsewhere",
        "Where calls by name go when another host serves the function. Without it, this host.",
        "http://resize/resize",
    )
    call_headers: dict[Text, VariableValue] = setting_key(
        dict,
        "Fields of calls",
        "Header fields of calls by name to url. Values may be secrets.",
        {"X-API-Key": {"from_env": "RESIZE_KEY"}},
    )
    env: dict[VariableName, VariableValue] = setting_key(
        dict,
        "Environment",
        "What the function finds in os.environ, on top of the host's variables. Values may be "
        "secrets: {from_file: PATH} or {from_env: NAME}.",
        {"BUCKET": "images", "API_TOKEN": {"from_env": "IMAGES_TOKEN"}},
    )
    subscriptions: list[SubscriptionSettings] = setting_key(
        list,
        "Subscriptions",
        "Which of the events that arrive at events.path a cloudevent or event function gets: "
        "those that any of them matches.",
        [{"filters": [{"exact": {"type": "com.example.uploaded"}}]}],
    )
    delivery: DeliverySettings | None = setting_key(
        None,
        "Delivery",
        "Retries and dead letters of exported Triggers. Default: the Broker's.",
        {"retry": 5, "dead_letter": "http://dead-letters"},
    )
    schedules: list[ScheduleSettings] = setting_key(
        list,
        "Schedules",
        "When the function runs by the clock.",
        [{"cron": "0 3 * * *", "timezone": "Europe/Berlin"}],
    )
    tool: Boolean = setting_key(
        False,
        "Tool",
        "Whether a typed function is offered to agents at mcp.path.",
        True,
    )
    request: RequestClass | None = setting_key(
        None,
        "Request class",
        "The class of the request that an http function gets. Default: the value in defaults.",
        "flask",
        "auto",
    )
    strip_path: Boolean = setting_key(
        False,
        "Mounted at its path",
        "Whether an http function sees only what follows its path: the path itself becomes "
        "SCRIPT_NAME (Flask) or root_path (Starlette, Falcon). Applications always do.",
        True,
    )
    isolation: Literal["thread", "process"] = setting_key(
        "thread",
        "Isolation",
        "Where calls run: in the worker, or in processes of the function's own that are killed at "
        "the deadline.",
        "process",
    )
    requirements: Texts | None = setting_key(
        None,
        "Requirements",
        "Requirement files of an isolated function, relative to this file. It runs in a virtual "
        "environment of its own, which ffhost install makes. Without it, in the host's.",
        "services/images/requirements.txt",
    )
    processes: Count | None = setting_key(
        None,
        "Processes",
        "Processes of an isolated function; they are its slots. Default: 1.",
        2,
    )
    memory: Size | None = setting_key(
        None, "Memory", "Memory that one process of an isolated function may use.", "512MiB"
    )
    enabled: Boolean = setting_key(
        True, "Switch", "false answers 503 without a restart, and 410 with gone: true.", False
    )
    gone: Boolean = setting_key(
        False, "Gone", "Whether a disabled function is gone for good: 410 instead of 503.", True
    )
    required: Boolean = setting_key(
        True,
        "Required",
        "Whether the host is ready only with this function. Default: false with "
        "on_load_error: unavailable.",
        False,
    )
    lazy: Boolean = setting_key(False, "Lazy", "Load the function at its first call.", True)
    on_load_error: Literal["fail", "unavailable"] = setting_key(
        "fail",
        "On a load error",
        "Refuse to start, or serve the others and answer 503 for this one.",
        "unavailable",
    )
    import_budget: SpanOrUnlimited | None = setting_key(
        None, "Import budget", "Loading that takes longer is a load error.", "5s"
    )
    tracing: FunctionTracingSettings = settings_section(
        FunctionTracingSettings, "Tracing", "Trace hooks of this function.", {"enabled": True}
    )
    examples: list[ExampleSettings] = setting_key(
        list,
        "Examples",
        "Calls and the answers expected, run by ffhost test.",
        [{"request": {"method": "POST"}, "response": {"status": 200}}],
    )
