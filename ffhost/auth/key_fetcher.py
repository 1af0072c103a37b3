"""Reading key sets: over HTTP, from a file, and again in a thread. The only code here that waits.

An issuer is asked in the background and never by a call. Redirects are not followed: what answers
in the end would be believed, whoever it is.
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from ffhost._regular_files import NotRegularFile, read_regular_file
from ffhost.auth.key_sources import KeySource, KeysUnreadable
from ffhost.auth.tokens import MalformedToken, parse_token_object

TIMEOUT = 10.0
"""Seconds for one answer as a whole, however slowly it comes."""
DOCUMENT_LIMIT = 512 * 1024
"""Bytes of a document. Sets of ten RSA keys with certificates have 30 KiB."""
DISCOVERY_PATH = "/.well-known/openid-configuration"


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def fetch_key_document(url: str, timeout: float = TIMEOUT) -> bytes:
    """Return the body of the answer to a GET of *url*.

    Raises:
        KeysUnreadable: there was no answer of status 200 in time, or it is too large
    """
    request = urllib.request.Request(
        url, headers={"Accept": "application/json", "User-Agent": "ffhost"}
    )
    ends = time.monotonic() + timeout
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=timeout) as answer:
            if answer.status != 200:
                raise KeysUnreadable(f"it answered {answer.status}")
            return _read_body(answer, ends)
    except urllib.error.HTTPError as error:
        with error:
            hint = "; redirects are not followed" if error.code in range(300, 400) else ""
            raise KeysUnreadable(f"it answered {error.code}{hint}") from None
    except TimeoutError:
        raise KeysUnreadable("it did not answer in time") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise KeysUnreadable("it did not answer in time") from None
        raise KeysUnreadable(f"it cannot be reached ({reason})") from None


def _read_body(answer: http.client.HTTPResponse, ends: float) -> bytes:
    body = bytearray()
    while chunk := answer.read1(65536):
        body += chunk
        if len(body) > DOCUMENT_LIMIT:
            raise KeysUnreadable(f"its answer is larger than {DOCUMENT_LIMIT} bytes")
        if time.monotonic() > ends:
            raise KeysUnreadable("it did not answer in time")
    return bytes(body)


def key_url_reader(url: str, timeout: float = TIMEOUT) -> Callable[[], bytes]:
    """Return what reads a key set from *url*."""
    return lambda: fetch_key_document(url, timeout)


def key_file_reader(path: Path) -> Callable[[], bytes]:
    """Return what reads a key set from the file *path*."""

    def read() -> bytes:
        try:
            text = read_regular_file(path, DOCUMENT_LIMIT + 1)
        except NotRegularFile as error:
            raise KeysUnreadable(str(error)) from None
        except OSError as error:
            raise KeysUnreadable(error.strerror or "it cannot be read") from None
        if len(text) > DOCUMENT_LIMIT:
            raise KeysUnreadable(f"it is larger than {DOCUMENT_LIMIT} bytes")
        return text

    return read


def key_discovery_reader(issuer: str, timeout: float = TIMEOUT) -> Callable[[], bytes]:
    """Return what reads the key set that *issuer* names in its discovery document."""
    address = issuer.rstrip("/") + DISCOVERY_PATH
    return lambda: fetch_key_document(
        discovered_key_url(fetch_key_document(address, timeout), issuer), timeout
    )


def discovered_key_url(document: bytes, issuer: str) -> str:
    """Return the ``jwks_uri`` of a discovery document of *issuer*.

    Raises:
        KeysUnreadable: it is another issuer's, or names no address that can be trusted
    """
    try:
        found = parse_token_object(document)
    except MalformedToken:
        raise KeysUnreadable("its discovery document is not a JSON object") from None
    if found.get("issuer") != issuer:
        raise KeysUnreadable(
            f"its discovery document is that of another issuer; expected {issuer!r}, to the letter"
        )
    address = found.get("jwks_uri")
    if not isinstance(address, str) or not urlsplit(address).hostname:
        raise KeysUnreadable("its discovery document has no jwks_uri")
    schemes = ("https",) if issuer.startswith("https:") else ("https", "http")
    if urlsplit(address).scheme not in schemes:
        raise KeysUnreadable(f"its jwks_uri does not begin with {schemes[0]}:")
    return address


class KeyFetcher:
    """One source's thread. It ends with the process, or when it is stopped."""

    def __init__(self, source: KeySource, clock: Callable[[], float] = time.time) -> None:
        self.source = source
        self._clock = clock
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread is None:
            name = f"ffhost-keys {self.source.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End without waiting for an answer that is under way."""
        self._stopped = True
        self.source.woken.set()

    def _run(self) -> None:
        source = self.source
        while not self._stopped:
            now = self._clock()
            if now < source.due:
                source.woken.wait(min(source.due - now, 60.0))
                source.woken.clear()
                continue
            source.attempt(now)
