"""Printed JSON objects that describe a log entry, as on Google's platforms."""

from __future__ import annotations

from logging import CRITICAL, DEBUG, ERROR, INFO, WARNING
from typing import Any

import orjson

SEVERITIES = {
    "DEFAULT": INFO,
    "DEBUG": DEBUG,
    "INFO": INFO,
    "NOTICE": INFO,
    "WARNING": WARNING,
    "ERROR": ERROR,
    "CRITICAL": CRITICAL,
    "ALERT": CRITICAL,
    "EMERGENCY": CRITICAL,
}
"""Levels by the severities of Cloud Logging.

https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#logseverity
"""


def read_printed_log_entry(text: str) -> tuple[int, str, dict[str, Any]] | None:
    """Return level, message and fields of the entry that *text* describes.

    None if it is not one JSON object with a message and a known severity.
    """
    if not (text.startswith("{") and text.endswith("}") and '"severity"' in text):
        return None
    try:
        fields = orjson.loads(text)
    except ValueError:
        return None
    severity, message = fields.pop("severity", None), fields.pop("message", None)
    if type(severity) is not str or severity not in SEVERITIES or type(message) is not str:
        return None
    return SEVERITIES[severity], message, fields
