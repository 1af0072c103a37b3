"""What is masked wherever something is shown: the one rule for every output.

A value is masked if a name above it looks like that of a secret, whatever the value's type.
In every text the user info and the query values of URLs are masked, and PEM blocks. Knows no
configuration: `ffhost.config.masked_places` knows where names decide, and where the models do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

HIDDEN = "***"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONG = (
    *("secret", "password", "passwd", "passphrase", "passcode", "credential"),
    *("token", "bearer", "signature", "cookie", "private", "jwt", "pwd", "csrf", "xsrf"),
)
"""Looked for anywhere in a name, also across its words: ``dbpassword``, ``passWord``."""
_SHORT = re.compile(
    # keys: apikey, sshKeys, keyfile, ...
    r"\w*keys?|key(?:data|file|id|material|pair|pass|ring|store|tab|vault)s?"
    r"|\w*auths?|auth(?!ors?$|ored$|oring$|orship$|orit|entic(?:ity)?$)\w*|oauth\w*"
    r"|\w*pass|otp|sig"
)
"""One word of a name, for short parts that would be found in unrelated words."""
_FALSE_FRIENDS = re.compile(
    r"(?:don|hoc|hot|joc|lac|mon|tur|whis)keys?|turnkey|tokeni[sz]\w*|secretar\w*|cookiecutter"
    r"|(?:by|com|encom|over|sur|tres|under)pass"
)
_FLAT = re.compile(r"[\W_]+")

_PEM = re.compile(r"-----BEGIN ([^-\r\n]{1,64})-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_URL = re.compile(r"://[^\s'\"<>`]+")
_QUERY = re.compile(r"([?&;])([^=&;#\s'\"<>`?]*)=([^&;#\s'\"<>`]+)")


class SecretMask:
    """The rule with what the users of a host added to it.

    Args:
        redact: further names whose values are masked, wherever they are a part of a name
        show: names that are never masked, each as a whole
    """

    def __init__(self, redact: Iterable[str] = (), show: Iterable[str] = ()) -> None:
        self._redact = tuple(each for each in redact if _words(each))
        self._show = frozenset(map(_flat, show))
        self.hides = lru_cache(maxsize=4096)(self._hides)

    def showing(self, *names: str) -> SecretMask:
        """Return the same rule with further exceptions."""
        return SecretMask(self._redact, {*self._show, *names})

    def _hides(self, name: str) -> bool:
        """Whether values below *name* are masked."""
        if _flat(name) in self._show:
            return False
        words = _words(name)
        return looks_secret(words) or any(_within(_words(each), words) for each in self._redact)

    def text(self, text: str) -> str:
        """Return *text* without passwords and query values of URLs, and without PEM blocks."""
        if "://" in text:
            text = _URL.sub(self._url, text)
        if "=" in text and "?" in text:
            text = _QUERY.sub(self._named, text)
        if "-----BEGIN " in text:
            text = _PEM.sub(rf"-----BEGIN \1-----{HIDDEN}", text)
        return text

    def value(self, value: Any, *, hidden: bool = False) -> Any:
        """Return plain data with what is secret in it masked.

        Args:
            value: dicts, lists and scalars; anything else is returned unchanged
            hidden: whether a name above *value* hides it
        """
        if isinstance(value, Mapping):
            return {
                name: self.value(inner, hidden=hidden or self.hides(str(name)))
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each, hidden=hidden) for each in value]
        if hidden:
            return None if value is None else HIDDEN
        return self.text(value) if isinstance(value, str) else value

    def _url(self, match: re.Match[str]) -> str:
        url = match[0]
        host = re.split(r"[/?#]", url[3:], maxsplit=1)[0]
        # a password may hold a slash that was not escaped: too much is better than too little
        end = url.rfind("@") if ":" in host else url.rfind("@", 0, 3 + len(host))
        if end > 0:
            url = f"://{HIDDEN}{url[end:]}"
        before, mark, query = url.partition("?")
        return before + _QUERY.sub(self._any, mark + query)

    def _any(self, match: re.Match[str]) -> str:
        shown = _flat(match[2]) in self._show
        return match[0] if shown else f"{match[1]}{match[2]}={HIDDEN}"

    def _named(self, match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}={HIDDEN}" if self.hides(match[2]) else match[0]


def looks_secret(words: Iterable[str]) -> bool:
    """Whether a name of these *words*, in lower case, looks like that of a secret."""
    kept = [word for word in words if not _FALSE_FRIENDS.fullmatch(word)]
    joined = "".join(kept)
    return any(part in joined for part in _LONG) or any(map(_SHORT.fullmatch, kept))


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name))


def _flat(name: str) -> str:
    return _FLAT.sub("", name).lower()


def _within(part: tuple[str, ...], words: tuple[str, ...]) -> bool:
    count = len(part)
    starts = range(len(words) - count + 1)
    return any(words[start : start + count] == part for start in starts) or (
        "".join(part) == "".join(words)
    )


PLAIN = SecretMask()
"""The rule by itself, for what is shown before a configuration is known."""
