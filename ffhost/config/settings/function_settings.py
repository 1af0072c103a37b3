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
    NotEmpty,
    Size,
    SizeOrUnlimited,
    SpanOrUnlimited,
    SpanOrZero,
    Status,
    Text,
)
from ffhost.config.settings.section import Free, Section, key, required, section
from ffhost.config.units import Duration

Signature = Literal["http", "cloudevent", "event", "typed", "wsgi", "asgi"]
SIGNATURES: tuple[str, ...] = get_args(Signature)
EVENT_OR_TYPED = ("cloudevent", "event", "typed")
"""Signatures whose functions are called by POST."""


class CorsSettings(Section):
    """Cross-origin requests; off unless declared."""

    allow_origins: Wildcard = key(
        list,
        "Origins",
        "Origins that may call the function from a browser, or '*'.",
        ["https://app.example.com"],
        "*",
    )
    allow_methods: list[Method] | None = key(
        None,
        "Methods",
        "Methods that a preflight allows; default: the function's.",
        ["POST"],
    )
    allow_headers: Wildcard = key(
        list, "Request headers", "Headers that a preflight allows, or '*'.", ["content-type"], "*"
    )
    expose_headers: list[str] = key(
        list, "Response headers", "Headers of the answer that scripts may read.", ["x-total"]
    )
    allow_credentials: Boolean = key(
        False, "Credentials", "Whether cookies and authorization may be sent.", True
    )
    max_age: SpanOrZero = key(
        Duration(600), "Preflight cache", "How long a browser may keep a preflight's answer.", "10m"
    )


class ExampleRequest(Section):
    """The request of an example."""

    free: ClassVar[frozenset[str]] = frozenset({"headers", "json"})

    method: Method | None = key(
        None, "Method", "Default: GET without a body and POST with one.", "POST"
    )
    path: str | None = key(
        None,
        "Path",
        "Path and query; default: the function's path.",
        "/users/7?full=1",
    )
    headers: dict[str, str] = key(
        dict, "Headers", "Header fields of the request.", {"accept": "application/json"}
    )
    body: str | None = key(None, "Body", "The body as text.", "hello")
    payload: Any = key(None, "JSON body", "The body as a value, sent as JSON.", {"name": "Ada"})


class ExampleResponse(Section):
    """What an example expects."""

    free: ClassVar[frozenset[str]] = frozenset({"headers", "json"})

    status: Status | None = key(None, "Status", "The status expected; default: any below 400.", 200)
    headers: dict[str, str] = key(
        dict, "Headers", "Header fields that the answer must have.", {"content-type": "text/plain"}
    )
    body: str | None = key(None, "Body", "The whole body expected.", "hello")
    payload: Any = key(
        None,
        "JSON body",
        "A value that the body, read as JSON, must hold; it may hold more keys.",
        {"name": "Ada"},
    )


class ExampleSettings(Section):
    """One example of a call, run by ``ffhost test``."""

    free: ClassVar[frozenset[str]] = frozenset({"event"})

    name: Text | None = key(None, "Name", "What the example shows.", "greets by name")
    request: ExampleRequest | None = key(
        None, "Request", "The request that is sent.", {"method": "POST", "json": {"name": "Ada"}}
    )
    event: Free | None = key(
        None,
        "Event",
        "The event that is sent: attributes of a CloudEvent, and its data.",
        {"type": "com.example.created", "data": {"id": 7}},
    )
    response: ExampleResponse = section(
        ExampleResponse, "Response", "What the answer must be.", {"status": 200}
    )


class FunctionSettings(Section):
    """One function."""

    free: ClassVar[frozenset[str]] = frozenset({"config"})

    target: Target = required(
        "Target",
        "What is called: file.py:attr, package.module:attr, or attr with source.",
        "main.py:hello",
        "mycompany.images:resize",
        "resize",
    )
    source: Text | None = key(
        None,
        "Source",
        "The file that defines the target, relative to this file.",
        "services/images/main.py",
    )
    path: PathTemplate = key(
        "",
        "Path",
        "The path that the function owns, with everything below it. It may hold parameters. "
        "Default: '/' and the function's name.",
        "/hello",
        "/users/{id}",
    )
    signature: Signature | None = key(
        None,
        "Signature",
        "What the function gets and returns. Default: as its decorator or its annotations "
        "say, else http.",
        "http",
        "cloudevent",
    )
    methods: Annotated[list[Method], NotEmpty()] | None = key(
        None,
        "Methods",
        "Methods that the function answers; default: all of them for http, else POST.",
        ["GET", "POST"],
    )
    timeout: SpanOrUnlimited | None = key(
        None,
        "Deadline",
        "A call that takes longer is answered with 504. Default: the value in defaults.",
        "10s",
        "unlimited",
    )
    concurrency: CountOrUnlimited | None = key(
        None,
        "Slots",
        "Calls that run at once in a worker. Default: the value in defaults.",
        4,
        "unlimited",
    )
    queue: CountOrUnlimited | None = key(
        None,
        "Queue",
        "Calls that wait for a slot; more get 429. Default: the value in defaults.",
        100,
    )
    queue_timeout: SpanOrUnlimited | None = key(
        None,
        "Time in the queue",
        "A call that waits longer gets 429. Default: the value in defaults.",
        "5s",
    )
    max_body_size: SizeOrUnlimited | None = key(
        None,
        "Largest request body",
        "Replaces the server's limit, also upward.",
        "100MiB",
        "unlimited",
    )
    auth: Ways | None = key(
        None,
        "Door",
        "Ways under auth, any of which opens the function; or public. Default: as in defaults.",
        "staff",
        ["staff", "machines"],
        "public",
    )
    cors: CorsSettings | None = key(
        None,
        "CORS",
        "Cross-origin requests; refused unless declared.",
        {"allow_origins": ["https://app.example.com"]},
    )
    config: Free = key(
        dict,
        "Values",
        "Passed to the function as its config. Values may be secrets: {from_file: PATH} or "
        "{from_env: NAME}.",
        {"quality": 80, "token": {"from_env": "API_TOKEN"}},
    )
    calls: list[Text] | None = key(
        None,
        "Calls",
        "Functions that it may call by name. Default: all of them.",
        ["resize"],
        [],
    )
    url: Text | None = key(
        None,
        "Address elsewhere",
        "Where calls by name go when another host serves the function. Without it, this host.",
        "http://resize/resize",
    )
    call_headers: dict[Text, VariableValue] = key(
        dict,
        "Fields of calls",
        "Header fields of calls by name to url. Values may be secrets.",
        {"X-API-Key": {"from_env": "RESIZE_KEY"}},
    )
    env: dict[VariableName, VariableValue] = key(
        dict,
        "Environment",
        "What the function finds in os.environ, on top of the host's variables. Values may be "
        "secrets: {from_file: PATH} or {from_env: NAME}.",
        {"BUCKET": "images", "API_TOKEN": {"from_env": "IMAGES_TOKEN"}},
    )
    subscriptions: list[SubscriptionSettings] = key(
        list,
        "Subscriptions",
        "Which of the events that arrive at events.path a cloudevent or event function gets: "
        "those that any of them matches.",
        [{"filters": [{"exact": {"type": "com.example.uploaded"}}]}],
    )
    delivery: DeliverySettings | None = key(
        None,
        "Delivery",
        "Retries and dead letters of exported Triggers. Default: the Broker's.",
        {"retry": 5, "dead_letter": "http://dead-letters"},
    )
    schedules: list[ScheduleSettings] = key(
        list,
        "Schedules",
        "When the function runs by the clock.",
        [{"cron": "0 3 * * *", "timezone": "Europe/Berlin"}],
    )
    tool: Boolean = key(
        False,
        "Tool",
        "Whether a typed function is offered to agents at mcp.path.",
        True,
    )
    request: RequestClass | None = key(
        None,
        "Request class",
        "The class of the request that an http function gets. Default: the value in defaults.",
        "flask",
        "auto",
    )
    strip_path: Boolean = key(
        False,
        "Mounted at its path",
        "Whether an http function sees only what follows its path: the path itself becomes "
        "SCRIPT_NAME (Flask) or root_path (Starlette, Falcon). Applications always do.",
        True,
    )
    isolation: Literal["thread", "process"] = key(
        "thread",
        "Isolation",
        "Where calls run: in the worker, or in processes of the function's own that are killed at "
        "the deadline.",
        "process",
    )
    requirements: Texts | None = key(
        None,
        "Requirements",
        "Requirement files of an isolated function, relative to this file. It runs in a virtual "
        "environment of its own, which ffhost install makes. Without it, in the host's.",
        "services/images/requirements.txt",
    )
    processes: Count | None = key(
        None,
        "Processes",
        "Processes of an isolated function; they are its slots. Default: 1.",
        2,
    )
    memory: Size | None = key(
        None, "Memory", "Memory that one process of an isolated function may use.", "512MiB"
    )
    enabled: Boolean = key(
        True, "Switch", "false answers 503 without a restart, and 410 with gone: true.", False
    )
    gone: Boolean = key(
        False, "Gone", "Whether a disabled function is gone for good: 410 instead of 503.", True
    )
    required: Boolean = key(
        True,
        "Required",
        "Whether the host is ready only with this function. Default: false with "
        "on_load_error: unavailable.",
        False,
    )
    lazy: Boolean = key(False, "Lazy", "Load the function at its first call.", True)
    on_load_error: Literal["fail", "unavailable"] = key(
        "fail",
        "On a load error",
        "Refuse to start, or serve the others and answer 503 for this one.",
        "unavailable",
    )
    import_budget: SpanOrUnlimited | None = key(
        None, "Import budget", "Loading that takes longer is a load error.", "5s"
    )
    tracing: FunctionTracingSettings = section(
        FunctionTracingSettings, "Tracing", "Trace hooks of this function.", {"enabled": True}
    )
    examples: list[ExampleSettings] = key(
        list,
        "Examples",
        "Calls and the answers expected, run by ffhost test.",
        [{"request": {"method": "POST"}, "response": {"status": 200}}],
    )
