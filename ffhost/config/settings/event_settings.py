"""Events and schedules: the host's address for events, subscriptions and cron times."""

from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from ffhost.config.settings.auth_settings import Ways
from ffhost.config.settings.names import Wildcard, read_path_setting
from ffhost.config.settings.scalars import (
    Boolean,
    InvalidSetting,
    SettingKind,
    Span,
    Text,
    Whole,
    show_setting,
)
from ffhost.config.settings.section import Free, SettingsSection, required_setting, setting_key
from ffhost.config.units import Duration


def _read_event_path(value: Any) -> str:
    path = read_path_setting(value)
    if "{" in path or path == "/":
        raise InvalidSetting("the address for events is a path of its own, without parameters")
    return path


def _read_cron(value: Any) -> str:
    from ffhost.config.cron import CronExpression

    if not isinstance(value, str):
        raise InvalidSetting(
            f"expected five fields such as '0 3 * * *', got {show_setting(value)}", "quote it"
        )
    try:
        CronExpression(value)
    except ValueError as error:
        raise InvalidSetting(str(error)) from None
    return value


def _read_zone(value: Any) -> str:
    from ffhost.config.cron import cron_time_zone

    if not isinstance(value, str):
        raise InvalidSetting(
            f"expected a time zone such as 'Europe/Berlin', got {show_setting(value)}"
        )
    try:
        cron_time_zone(value)
    except ValueError as error:
        raise InvalidSetting(str(error), "write a name such as 'Europe/Berlin', or 'UTC'") from None
    return value


def _read_url(value: Any) -> str:
    if not isinstance(value, str) or not urlsplit(value).netloc:
        raise InvalidSetting(
            f"expected a URL such as 'http://dead-letters', got {show_setting(value)}"
        )
    return value


EventPath = Annotated[
    str, SettingKind(_read_event_path, {"type": "string", "pattern": r"^(/[^/?#%{}]+)+$"})
]
CronText = Annotated[str, SettingKind(_read_cron, {"type": "string", "minLength": 1})]
ZoneName = Annotated[str, SettingKind(_read_zone, {"type": "string", "minLength": 1})]
Url = Annotated[
    str, SettingKind(_read_url, {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*://."})
]


class EventsSettings(SettingsSection):
    """One address for every event, which is delivered to the functions that subscribe to it."""

    path: EventPath = setting_key(
        "/events",
        "Path",
        "Where events are sent, and what lies below it: a Pub/Sub push names its topic there.",
        "/events",
    )
    auth: Ways | None = setting_key(
        None,
        "Door",
        "Ways under auth, any of which opens the address; or public. Default: as in defaults.",
        "machines",
        "public",
    )
    allow_origins: Wildcard = setting_key(
        list,
        "Origins",
        "Names of senders that may deliver, or '*': the handshake of CloudEvents webhooks.",
        ["eventemitter.example.com"],
        "*",
    )
    remember: Span = setting_key(
        Duration(600),
        "Memory",
        "For how long a worker remembers which function has taken an event. When the sender "
        "repeats it for another function, those that took it are left alone.",
        "10m",
    )
    broker: Text = setting_key(
        "default", "Broker", "The Broker that exported Triggers belong to.", "default"
    )


class SchedulesSettings(SettingsSection):
    """The block ``schedules``: whether functions run by the clock here."""

    enabled: Boolean = setting_key(
        True,
        "Switch",
        "false: nothing runs by the clock here. Exports set it in the pods.",
        False,
    )


class SubscriptionSettings(SettingsSection):
    """Events that a function wants."""

    filters: list[Free] = setting_key(
        list,
        "Filters",
        "All of them must match: exact, prefix, suffix, all, any, not, or sql (CESQL). Without "
        "any, every event does.",
        [{"exact": {"type": "com.example.uploaded"}}],
        [{"sql": "type LIKE 'com.example.%' AND NOT EXISTS test"}],
    )


class DeliverySettings(SettingsSection):
    """How a Broker delivers to the function; for exported Triggers."""

    retry: Whole | None = setting_key(
        None,
        "Retries",
        "How often a failed delivery is repeated. Default: the Broker's setting.",
        5,
    )
    backoff: Literal["linear", "exponential"] | None = setting_key(
        None,
        "Backoff",
        "How the time between two tries grows. Default: the Broker's setting.",
        "exponential",
    )
    backoff_delay: Span | None = setting_key(
        None,
        "Delay",
        "The time before the first repetition. Default: the Broker's setting.",
        "1s",
    )
    timeout: Span | None = setting_key(
        None, "Time", "How long one delivery may take. Default: the Broker's setting.", "30s"
    )
    dead_letter: Url | None = setting_key(
        None,
        "Dead letters",
        "Where events go that could not be delivered. Default: the Broker's setting.",
        "http://dead-letters",
    )


class ScheduleSettings(SettingsSection):
    """When a function runs by the clock."""

    free: ClassVar[frozenset[str]] = frozenset({"data"})

    cron: CronText = required_setting(
        "Times",
        "Five fields (minute, hour, day of month, month, day of week), or a word such as @hourly.",
        "0 3 * * *",
        "@hourly",
    )
    timezone: ZoneName = setting_key(
        "UTC", "Time zone", "The time zone of the cron expression.", "Europe/Berlin"
    )
    data: Any = setting_key(
        None, "Data", "What the event carries. Default: nothing.", {"report": "daily"}
    )
    overlap: Literal["skip", "allow"] = setting_key(
        "skip", "Overlap", "Whether it runs while its last call still does.", "allow"
    )
    missed: Literal["skip", "once"] = setting_key(
        "skip",
        "Missed times",
        "What is done about times that passed while the machine slept or its clock was set.",
        "once",
    )
