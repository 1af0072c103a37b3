"""The sections of ``functions.yaml`` that concern the host as a whole."""

from typing import Literal

from ffhost.config.settings.auth_settings import Ways
from ffhost.config.settings.names import HookTarget, Proxies, RequestClass
from ffhost.config.settings.scalars import (
    Boolean,
    Count,
    CountOrUnlimited,
    Port,
    Size,
    SizeOrUnlimited,
    Span,
    SpanOrUnlimited,
    SpanOrZero,
    Text,
)
from ffhost.config.settings.section import SettingsSection, setting_key
from ffhost.config.units import ByteSize, Duration

Level = Literal["debug", "info", "warning", "error", "critical"]


class ServerSettings(SettingsSection):
    """The listener and its workers. Changes need a restart."""

    host: Text = setting_key(
        "0.0.0.0", "Address", "Address that the server listens on.", "0.0.0.0", "127.0.0.1", "::"
    )
    port: Port = setting_key(
        8080,
        "Port",
        "Port that the server listens on. The environment variable PORT replaces it. "
        "0 takes any free port.",
        8080,
        9000,
    )
    workers: Count = setting_key(
        1, "Workers", "Processes that serve. Limits of functions count per worker.", 1, 4
    )
    debug: Boolean = setting_key(
        False,
        "Debugging",
        "Show tracebacks to callers and more in the log. Never in production.",
        False,
        True,
    )
    max_body_size: SizeOrUnlimited = setting_key(
        ByteSize(32 * 1024**2),
        "Largest request body",
        "A larger body is answered with 413, also without a Content-Length. "
        "A function may replace it.",
        "32MiB",
        "unlimited",
    )
    read_timeout: SpanOrUnlimited = setting_key(
        Duration(30),
        "Time to read a request",
        "How long a client may take to send headers and body; then 408, or the connection closes.",
        "30s",
    )
    write_timeout: SpanOrUnlimited = setting_key(
        Duration(30),
        "Time to take an answer",
        "An answer of which the client takes nothing for this long is cut off; "
        "a slow client that reads is not.",
        "30s",
    )
    keepalive: SpanOrZero = setting_key(
        Duration(75),
        "Keep-alive",
        "How long an idle connection is kept. Longer than the load balancer's idle time.",
        "75s",
    )
    drain_delay: SpanOrZero = setting_key(
        Duration(2),
        "Drain delay",
        "After SIGTERM the host is not ready but still serves for this time. "
        "Default: 0s on a terminal.",
        "2s",
        "10s",
    )
    graceful_timeout: SpanOrZero = setting_key(
        Duration(30),
        "Graceful timeout",
        "How long calls in flight may take after the drain delay.",
        "30s",
    )
    stall_timeout: SpanOrUnlimited = setting_key(
        Duration(120),
        "Stall timeout",
        "A worker whose event loop is blocked for this long is replaced.",
        "120s",
    )
    trusted_proxies: Proxies = setting_key(
        list,
        "Trusted proxies",
        "Addresses and networks, or all, whose X-Forwarded-* headers are trusted.",
        ["10.0.0.0/8", "192.168.1.7"],
        "all",
    )
    on_startup: list[HookTarget] = setting_key(
        list,
        "Start-up hooks",
        "Functions, as module:function, that run in each worker before it serves.",
        ["mycompany.hooks:connect"],
    )
    on_shutdown: list[HookTarget] = setting_key(
        list,
        "Shut-down hooks",
        "Functions, as module:function, that run in each worker after its last call.",
        ["mycompany.hooks:disconnect"],
    )


class AdminSettings(SettingsSection):
    """A listener of its own for metrics, the function list and the effective configuration."""

    enabled: Boolean = setting_key(False, "Switch", "Whether the admin listener is opened.", True)
    host: Text = setting_key(
        "127.0.0.1", "Address", "Address that the admin listener binds.", "127.0.0.1", "0.0.0.0"
    )
    port: Port = setting_key(
        9901, "Port", "Port of the admin listener; 0 takes any free port.", 9901
    )
    auth: Ways = setting_key(
        lambda: ["public"],
        "Door",
        "Ways under auth, any of which opens the listener; or public.",
        "staff",
    )


class ConsoleSettings(SettingsSection):
    """The page for people on the admin listener. Changes need a restart."""

    enabled: Boolean = setting_key(
        False,
        "Switch",
        "Whether the admin listener serves the console. Under --debug and ffhost dev it does, "
        "unless this or admin.enabled is written.",
        True,
    )
    capture: Boolean = setting_key(
        False,
        "Captures",
        "Whether requests and answers of recent calls are kept for the console, masked. "
        "Under --debug and ffhost dev they are, unless this is written.",
        True,
    )


class LoggingSettings(SettingsSection):
    """What is logged, and how an entry looks."""

    level: Level = setting_key(
        "info", "Level", "The least severe level that is logged.", "info", "debug"
    )
    levels: dict[str, Level] = setting_key(
        dict,
        "Levels by logger",
        "Levels of single loggers and of all loggers below them.",
        {"sqlalchemy": "warning"},
    )
    format: Literal["json", "console"] = setting_key(
        "json",
        "Format",
        "JSON lines, or lines for people. Default: console on a terminal.",
        "json",
        "console",
    )
    profile: Literal["default", "gcp", "ecs"] = setting_key(
        "default",
        "Field names",
        "Names of the fields: ffhost's own, Google Cloud Logging's, or Elastic's common schema.",
        "gcp",
    )
    stream: Literal["stdout", "split"] = setting_key(
        "stdout", "Stream", "Everything to stdout, or warnings and above to stderr.", "split"
    )
    max_entry: Size = setting_key(
        ByteSize(256 * 1024), "Longest entry", "An entry longer than this is cut.", "256KiB"
    )
    invocations: Boolean = setting_key(
        True, "Summary entries", "Log one entry for each call.", False
    )
    principal: Boolean = setting_key(
        False, "Principal", "Whether summary entries name the authenticated caller.", True
    )
    redact: list[Text] = setting_key(
        list,
        "Masked names",
        "Further names whose values are masked in entries and wherever the configuration is shown. "
        "Names with key, token, secret, password and the like are masked already.",
        ["customer_id"],
    )
    show: list[Text] = setting_key(
        list,
        "Names that are not masked",
        "Exceptions: names whose values are shown, such as that of the key of a cache.",
        ["cache_key"],
    )
    capture_print: Boolean = setting_key(
        False,
        "Capture print",
        "Turn what user code prints into entries with their execution id.",
        True,
    )


class MetricsSettings(SettingsSection):
    """Counting of calls."""

    enabled: Boolean = setting_key(
        True, "Switch", "Whether calls are counted, while the admin listener is open.", False
    )


class ConfigReloadSettings(SettingsSection):
    """Applying changes of this file without a restart."""

    enabled: Boolean = setting_key(True, "Switch", "Whether the files are watched.", False)
    interval: Span = setting_key(
        Duration(2), "Interval", "How often the files' contents are compared.", "2s", "200ms"
    )


class DefaultSettings(SettingsSection):
    """Limits of every function that does not set its own."""

    timeout: SpanOrUnlimited = setting_key(
        Duration(60),
        "Deadline",
        "A call that takes longer is answered with 504.",
        "60s",
        "unlimited",
    )
    concurrency: CountOrUnlimited = setting_key(
        40,
        "Slots",
        "Calls of one function that run at once in a worker.",
        40,
        "unlimited",
    )
    queue: CountOrUnlimited = setting_key(
        100, "Queue", "Calls of one function that wait for a slot; more get 429.", 100, "unlimited"
    )
    queue_timeout: SpanOrUnlimited = setting_key(
        Duration(5), "Time in the queue", "A call that waits longer gets 429.", "5s"
    )
    auth: Ways = setting_key(
        lambda: ["public"],
        "Door",
        "Ways under auth, any of which opens a function; public; or required, which makes a "
        "function without auth an error.",
        "staff",
        ["staff", "machines"],
        "required",
    )
    request: RequestClass = setting_key(
        "auto",
        "Request class",
        "The class of the request of every http function that does not name one.",
        "flask",
    )
    stuck_limit: CountOrUnlimited = setting_key(
        10,
        "Stuck threads",
        "A worker with more threads than this running past their deadline is replaced.",
        10,
    )
