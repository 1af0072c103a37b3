"""The `Codec` that a signature makes for a function: how to decode, call and encode."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ffhost._records import Record
from ffhost.errors import LoadError
from ffhost.invocation.current import CURRENT
from ffhost.invocation.ids import EXECUTION_ID_HEADER
from ffhost.signatures.requests import Prepare, RequestAdapter
from ffhost.web.forwarded import trust_loopback_scheme
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    from ffhost.invocation.call import Call
    from ffhost.signatures.app_lifespan import ApplicationLifespan
    from ffhost.signatures.handed_values import Measure


def as_single_target_codec(codec: Codec, prepare: Prepare) -> Codec:
    """Return a codec whose messages are prepared before they are decoded."""
    decode = codec.decode

    def decode_single(message: Message) -> tuple[Any, ...]:
        prepare(message, CURRENT.get())
        return decode(message)

    return codec._replace(decode=decode_single)


def single_target_preparation(*, trusts_loopback: bool) -> Prepare:
    """Return what makes messages be as functions-framework's one function sees them.

    They have ``Function-Execution-Id``, made if none was sent.

    Args:
        trusts_loopback: whether a proxy on this machine may say the scheme
    """

    def prepare(message: Message, call: Call | None) -> None:
        if call is not None and message.header(EXECUTION_ID_HEADER) is None:
            message.add_field(EXECUTION_ID_HEADER, call.execution_id)
        if trusts_loopback:
            trust_loopback_scheme(message)

    return prepare


def signature_error(message: str) -> LoadError:
    """Return the error of a function that does not have the form that its signature needs."""
    return LoadError(message, key="signature")


class SignatureOptions(Record):
    """What a signature needs to know about the function.

    Args:
        name: what errors call it
        single: whether functions-framework's behaviour applies (single-target mode without a file)
        input_type: the type of a typed function, where its decorator names it
        path_parameters: names of the parameters in its path
        adapter: how an http function gets its request; None: as a `ffhost.Request`
        mount: the segments of its path, None for a parameter; an application is mounted there
        strip_path: whether an http function is mounted there, too
    """

    name: str = "function"
    single: bool = False
    input_type: Any = None
    path_parameters: tuple[str, ...] = ()
    adapter: RequestAdapter | None = None
    mount: tuple[str | None, ...] = ()
    strip_path: bool = False


class Codec(Record):
    """One function, ready to be called.

    Args:
        kind: ``http``, ``cloudevent``, ``event``, ``typed``, ``wsgi`` or ``asgi``
        decode: makes the arguments of a call; raises `RequestError` for what does not fit
        call: calls the function; returns an awaitable if *is_async*
        encode: makes a reply of what *call* returned; raises `ResultError` for what cannot be
            sent
        is_async: whether *call* belongs on an event loop
        methods: the methods that the signature takes, None for all
        answer: makes a reply of an exception that means one (Falcon's ``HTTPError`` and the
            like), gives None for all others; asked after the function's error handlers
        encode_handled: makes a reply of what an error handler returned, which is what an http
            function may return, whatever the signature
        lifespan: what an ASGI application does when the process starts and stops; None for
            everything else
        measure: measures the values that a typed function may get as they are; None if it gets
            all its values as JSON
    """

    kind: str
    decode: Callable[[Message], tuple[Any, ...]]
    call: Callable[..., Any]
    encode: Callable[[Any], Reply]
    is_async: bool
    methods: tuple[str, ...] | None
    answer: Callable[[BaseException], Reply | None]
    encode_handled: Callable[[Any], Reply]
    lifespan: ApplicationLifespan | None = None
    measure: Measure | None = None


class AnsweredApplicationCrash(Exception):
    """A crash after the application has sent an answer of its own.

    Args:
        reply: its answer
        error: what it raised
    """

    def __init__(self, reply: Reply, error: BaseException) -> None:
        super().__init__(str(error))
        self.reply = reply
        self.error = error
