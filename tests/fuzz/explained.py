"""Why the two may read a message in different ways: rules, each with its reason.

A rule holds for what was sent and for how the two differ. Each says that one is stricter: both
have read the same up to a point, where that one refuses or closes, and reads nothing that
follows. So no rule covers two that read one message in two ways and go on. Each also says what
must be in the message, and what is sent after every message (`LAST`) does not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tests.fuzz.nearly_http import LAST

_REFUSED = "refused"
_KNOWN_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "M-SEARCH", "QUERY", "CONNECT"}
)


_UNKNOWN_METHOD = (
    r"(?m)(?:^|[\w:;/ ])(?!(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) )[^ \r\n]+ [^ ]*"
)
_EMPTY_LINE = (
    r"(?s)(?:^|\r\n\r\n)[\r\n]|[\r\n]\Z|(?<!\n\r\n)(?<=[\r\n])[A-Z-]+ \S+ HTTP/"
    r"|Content-Length: \d+\r\n(?:[^\r\n]+\r\n)*\r\n.{1,25}?\r\n\r\n[A-Z]"
)


class Rule(NamedTuple):
    """One reason to differ.

    Args:
        why: for people
        differs: whether the answers, ours and theirs, differ in this way
        sent: what must be in the message
    """

    why: str
    differs: Callable[[list[str], list[str]], bool]
    sent: str


def _stops_early(strict: list[str], lax: list[str]) -> bool:
    """Whether *strict* is a beginning of *lax*, with or without a refusal at its end."""
    begun = strict[:-1] if strict[-1:] == [_REFUSED] else strict
    return len(begun) < len(lax) and lax[: len(begun)] == begun


def _we_stop(ours: list[str], theirs: list[str]) -> bool:
    return _stops_early(ours, theirs)


def _they_stop(ours: list[str], theirs: list[str]) -> bool:
    return _stops_early(theirs, ours)


def _we_only_close(ours: list[str], theirs: list[str]) -> bool:
    return bool(ours) and theirs == [*ours, _REFUSED]


def _they_answer_nowhere(ours: list[str], theirs: list[str]) -> bool:
    at = len([each for each in ours if each != _REFUSED])
    return _stops_early(ours, theirs) and theirs[at : at + 1] == ["missing"]


def _method_is_unknown(ours: list[str], theirs: list[str]) -> bool:
    at = len([each for each in ours if each != _REFUSED])
    if not _stops_early(ours, theirs) or at >= len(theirs):
        return False
    return theirs[at].split(" ")[0] not in {*_KNOWN_METHODS, "missing", _REFUSED}


RULES = (
    Rule(
        "ours closes after an answer that is owed; gunicorn refuses what follows, too",
        _we_only_close,
        r"\n\r?\n",
    ),
    Rule(
        "httptools knows registered methods only (to functions)",
        _method_is_unknown,
        _UNKNOWN_METHOD,
    ),
    Rule(
        "httptools knows registered methods only (where nothing is served)",
        _they_answer_nowhere,
        _UNKNOWN_METHOD + r"(?<![^/]/seen) HTTP/",
    ),
    Rule(
        "gunicorn answers 404 before it reads a body, which ours refuses with its head",
        _they_answer_nowhere,
        r"(?is)\ntransfer-encoding: *chunked *\r?\n",
    ),
    Rule("CONNECT is refused by ours: it asks for a proxy", _we_stop, r"CONNECT"),
    Rule("ours knows no coding but chunked", _we_stop, r"(?i)encoding:(?! *chunked *\r\n)"),
    Rule(
        "ours wants a Host of HTTP/1.1 (RFC 9112, section 3.2)",
        _we_stop,
        r"HTTP/1\.1\r?\n(?:(?!Host:)[^\r\n]+\r?\n)*\r?\n",
    ),
    Rule(
        "ours refuses an absolute target that is not a URL",
        _we_stop,
        r"(?a)[A-Z-]+ (?!http://[\w.]+/)[^ /]\S*://\S* HTTP/",
    ),
    Rule(
        "ours refuses a Host that cannot be one",
        _we_stop,
        r"(?ia)\nhost:(?![ \t]*(?:[\w.-]*|\[[\w.:]*\])(?::\d*)?[ \t]*\r?\n)",
    ),
    Rule("ours speaks HTTP/1.1 and HTTP/1.0", _we_stop, r"HTTP/(?!1\.[01]\r?\n)"),
    Rule("ours closes after each answer to HTTP/1.0", _we_stop, r"HTTP/1\.0"),
    Rule(
        "ours closes if one of several Connection says so",
        _we_stop,
        r"Connection: close(?:,|\r\n(?:[^\r\n]+\r\n)*Connection:)"
        r"|Connection:[^\r\n]*\r\n(?:[^\r\n]+\r\n)*Connection: close",
    ),
    Rule(
        "httptools takes no white space around the extension of a chunk",
        _we_stop,
        r"\n[0-9A-Fa-f]+(?:[ \t]|;[^\r\n]*[ \t])",
    ),
    Rule(
        "gunicorn refuses an Expect that it does not know",
        _they_stop,
        r"(?i)expect: ?(?!100-cont\w+\r)",
    ),
    Rule("gunicorn takes one space in a request line", _they_stop, r"[A-Z]  |  HTTP/"),
    Rule("gunicorn takes * of OPTIONS only", _they_stop, r"[A-Z] \* HTTP/"),
    Rule(
        "gunicorn refuses Host among the trailers, which ours drops",
        _they_stop,
        r"\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*Host:",
    ),
    Rule("gunicorn takes no empty line before a request", _they_stop, _EMPTY_LINE),
    Rule("gunicorn refuses two Content-Type", _they_stop, r"(?s)Content-Type.*Content-Type"),
)


def why(sent: bytes, ours: list[str], theirs: list[str]) -> str | None:
    """Return the rule that explains why the two differ; None if there is none."""
    text = sent.removesuffix(LAST).decode("latin-1")
    for rule in RULES:
        if rule.differs(ours, theirs) and re.search(rule.sent, text):
            return rule.why
    return None
