"""`ffhost.Request`: Falcon's WSGI request with the accessors that functions use.

It is the same class on both fronts and is made from the whole message. Most functions look
at two or three things of a request, so making one costs nothing but itself: what the
accessors below give comes from the message, and Falcon's own part (with the environ that it
needs) is built the first time that something of it is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar, overload
from urllib.parse import quote, unquote_to_bytes

import falcon
import falcon.media

from ffhost.errors import BadRequest, UnsupportedMediaType
from ffhost.signatures.requests.wsgi_environ import PRINCIPAL_KEY, make_wsgi_environ
from ffhost.web.fields import Fields, HeaderView, parse_urlencoded
from ffhost.web.forms import FORM_TYPES, UploadedFile, parse_form
from ffhost.web.json_text import read_json
from ffhost.web.mediatypes import is_json, mimetype_of, parse_media_type_options
from ffhost.web.messages import Message

_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[A-Fa-f0-9]*:[A-Fa-f0-9.:]+\])(?::[0-9]{1,5})?")
_NOT_IN_PATH = re.compile(r"[\x00-\x20\x7f?#]")


# Shared by all requests: made anew, they would cost ten times the request itself.
_OPTIONS = falcon.RequestOptions()
_OPTIONS.media_handlers[falcon.MEDIA_JSON] = falcon.media.JSONHandler(loads=read_json)

# Falcon's attributes that are the message's own. Everything else waits for Falcon.
_PLAIN: dict[str, Callable[[Message], Any]] = {
    "method": lambda message: message.method,
    "path": lambda message: _decoded_path(message),
    "query_string": lambda message: message.query,
    "content_type": lambda message: message.header("content-type"),
}
_FALCON_SLOTS = frozenset(falcon.Request.__slots__)


def _decoded_path(message: Message) -> str:
    path, root = message.path, message.root_path
    if "%" in path or not path.isascii():
        path = unquote_to_bytes(path.encode("latin-1", "replace")).decode(errors="replace")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        path = path[len(root) :]
    return path or "/"


T = TypeVar("T")


class _once(Generic[T]):
    """A property that is made once a request.

    ``functools.cached_property`` takes a lock before Python 3.12, which costs more than what
    is made here; a request belongs to one call.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, request: Any, owner: Any = None) -> T:
        value = self._make(request)
        request.__dict__[self._name] = value
        return value


class Request(falcon.Request):
    """One HTTP request, as an HTTP function gets it.

    It is Falcon's request with the names that Flask's users know. The body is in memory.

    Args:
        message: the request as a plain value; the host makes it

    Example:
        >>> @ffhost.http
        ... def greet(request: ffhost.Request):
        ...     name = request.args.get("name", "world")
        ...     return {"greeting": f"Hello, {name}!", "agent": request.headers.get("user-agent")}

    Since 0.1.
    """

    __slots__ = ("_falcon", "_message")

    def __init__(self, message: Message) -> None:
        # Falcon's __init__ is not called: its attributes are slots, and an access to an empty slot
        # calls __getattr__.
        self._message = message
        self._falcon: falcon.Request | None = None

    def __getattr__(self, name: str) -> Any:
        if name not in _FALCON_SLOTS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        plain = _PLAIN.get(name)
        # Attributes that the function has set are kept: only missing ones are copied.
        value = plain(self._message) if plain else getattr(self._built(), name)
        setattr(self, name, value)
        return value

    def _built(self) -> falcon.Request:
        if self._falcon is None:
            environ = make_wsgi_environ(self._message)
            self._falcon = falcon.Request(environ, options=_OPTIONS)
            if PRINCIPAL_KEY in environ:
                self._falcon.context.principal = environ[PRINCIPAL_KEY]
        return self._falcon

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method} {self.path!r}>"

    # What a message has in another form

    @_once
    def headers(self) -> HeaderView:
        """Header fields by name in any case."""
        return HeaderView(self._message.headers)

    @property
    def headers_lower(self) -> Mapping[str, str]:
        """Header fields by lower-case name."""
        return self._message.headers

    @property
    def path_params(self) -> Mapping[str, str]:
        """Values of the parameters in the function's path, such as ``/users/{id}``."""
        return self._message.params

    @_once
    def args(self) -> Fields[str]:
        """Fields of the query; ``args[name]`` of a missing one answers 400."""
        return Fields(parse_urlencoded(self._message.query))

    @property
    def mimetype(self) -> str:
        """The content type in lower case, without parameters; empty if there is none."""
        return mimetype_of(self._message.header("content-type"))

    @property
    def mimetype_params(self) -> dict[str, str]:
        """The parameters of the content type."""
        return parse_media_type_options(self._message.header("content-type") or "")[1]

    @property
    def is_json(self) -> bool:
        """Whether the content type is JSON: ``application/json`` or ``application/*+json``."""
        return is_json(self._message.header("content-type"))

    @_once
    def base_url(self) -> str:
        """The address without the query, as in Flask.

        It begins with the ``Host`` header if that is a possible one, without the scheme's
        usual port. Letters of all languages stand as they are.
        """
        message = self._message
        host = message.header("host")
        server = message.server
        if host is None and server is not None and server[1] is not None:
            name = f"[{server[0]}]" if ":" in server[0] else server[0]
            host = f"{name}:{server[1]}"
        host = (host or "").removesuffix(":443" if message.scheme == "https" else ":80")
        if _HOST.fullmatch(host) is None:
            host = ""
        path = f"{message.root_path.rstrip('/')}/{self.path.lstrip('/')}"
        return f"{message.scheme}://{host.lower()}{_NOT_IN_PATH.sub(_quote, path)}"

    @property
    def relative_uri(self) -> str:
        """The path as it was received, escapes and all, with the query."""
        message = self._message
        # A function may have changed the path of its request.
        kept = self.path == _decoded_path(message)
        path = (message.path or "/") if kept else message.root_path + self.path
        return f"{path}?{message.query}" if message.query else path

    @property
    def uri(self) -> str:
        """The whole address; its path keeps the escapes that it came with."""
        return f"{self.scheme}://{self.netloc}{self.relative_uri}"

    @property
    def url(self) -> str:
        """The whole address; its path keeps the escapes that it came with."""
        return self.uri

    # Proxy headers are trusted if `server.trusted_proxies` names the proxy. Then they are applied
    # to the scheme and client of the request already.

    @property
    def forwarded(self) -> None:
        """None: proxy headers are read for the whole host, by ``server.trusted_proxies``."""
        return

    @property
    def forwarded_scheme(self) -> str:
        """The scheme that the client used, as reported by trusted proxies."""
        return str(self.scheme)

    @property
    def forwarded_host(self) -> str:
        """The host that the client named."""
        return str(self.netloc)

    @property
    def forwarded_uri(self) -> str:
        """The whole address, as reported by trusted proxies."""
        return self.uri

    @property
    def forwarded_prefix(self) -> str:
        """The beginning of the address: scheme, host and where the host is mounted."""
        return f"{self.scheme}://{self.netloc}{self._message.root_path}"

    @property
    def access_route(self) -> list[str]:
        """The address of the client, as reported by trusted proxies; empty without one."""
        client = self._message.client
        return [] if client is None else [client[0]]

    @property
    def full_path(self) -> str:
        """The decoded path, ``?`` and the query, even if that is empty, as in Flask."""
        return f"{self.path}?{self._message.query}"

    # The body

    @property
    def data(self) -> bytes:
        """The body; empty if it is a form, as in Flask."""
        return b"" if self.mimetype in FORM_TYPES else self._message.body

    @overload
    def get_data(
        self, cache: bool = ..., as_text: Literal[False] = ..., parse_form_data: bool = ...
    ) -> bytes: ...
    @overload
    def get_data(
        self, cache: bool = ..., *, as_text: Literal[True], parse_form_data: bool = ...
    ) -> str: ...
    def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> bytes | str:
        """Return the body.

        Args:
            cache: has no effect; the body is in memory
            as_text: return str, decoded as UTF-8 with replacement characters, not bytes
            parse_form_data: return nothing if the body is a form, as in Flask
        """
        body = self.data if parse_form_data else self._message.body
        return body.decode(errors="replace") if as_text else body

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the value of the JSON in the body.

        Args:
            force: read the body whatever the content type is
            silent: return None instead of raising an error
            cache: keep the value for the next call

        Raises:
            UnsupportedMediaType: the content type is not JSON
            BadRequest: the body is not JSON
        """
        if cache and "_json" in self.__dict__:
            return self.__dict__["_json"]
        if not (force or self.is_json):
            if silent:
                return None
            raise UnsupportedMediaType("expected a body with content type 'application/json'")
        try:
            value = read_json(self._message.body)
        except ValueError as error:
            if silent:
                return None
            raise BadRequest(f"the body is not valid JSON: {_json_fault(error)}") from error
        if cache:
            self.__dict__["_json"] = value
        return value

    @property
    def json(self) -> Any:
        """The body read as JSON; see `get_json`."""
        return self.get_json()

    @_once
    def _form(self) -> tuple[Fields[str], Fields[UploadedFile]]:
        return parse_form(self._message.header("content-type") or "", self._message.body)

    @property
    def form(self) -> Fields[str]:
        """Fields of the form in the body, urlencoded or multipart."""
        return self._form[0]

    @property
    def files(self) -> Fields[UploadedFile]:
        """Files of the multipart form in the body."""
        return self._form[1]

    @_once
    def values(self) -> Fields[str]:
        """Fields of the query and then of the form; of the query alone for GET."""
        if self.method == "GET":
            return self.args
        return Fields([*self.args.items(multi=True), *self.form.items(multi=True)])


def _quote(character: re.Match[str]) -> str:
    return quote(character[0])


def _json_fault(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return "it cannot be read"
