"""Observers of a function's calls: trace hooks, summary entries, metrics.

They are composed when the function is loaded. Disabled features add no code to a call: a
function without observers keeps exactly the codec and the callable that it would have without
this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ffhost._records import Record
from ffhost.config import LoadedConfig
from ffhost.config.settings import NAME_PATTERN
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.function import Observer
from ffhost.invocation.outcome import Outcome
from ffhost.observability import logs, tracing
from ffhost.observability.tracing.hook import Run
from ffhost.signatures import Codec
from ffhost.web.messages import FieldChoice, Message

if TYPE_CHECKING:
    from ffhost.observability.logs.summary import SummaryRecorder

_EVENT_ARGUMENT = {"cloudevent": 0, "event": 1}
"""Index of the argument with the event, by signature."""
_PROBE_AGENT = "kube-probe/"
_TRACE_FIELDS = frozenset({"traceparent", "x-cloud-trace-context"})
_TELLING = FieldChoice((*_TRACE_FIELDS, "user-agent"))
"""Fields of a request that a summary entry may depend on."""


class FunctionObservers(Record):
    """The observers of one function.

    Args:
        hooks: trace hooks, the outermost first
        observers: told how each call ended, after the hooks
        keeps_replies: whether what a function answers is kept for them
    """

    hooks: tuple[tracing.TraceHook, ...] = ()
    observers: tuple[Observer, ...] = ()
    keeps_replies: bool = False

    @property
    def keeps_context(self) -> bool:
        """Whether a call must keep its context for observers."""
        return tracing.trace_hooks_keep_context(self.hooks)

    def codec(self, codec: Codec) -> Codec:
        """Return a codec that keeps a call's event for observers."""
        argument = _EVENT_ARGUMENT.get(codec.kind)
        if argument is None or not (self.hooks or self.observers):
            return codec
        decode = codec.decode

        def decode_and_keep(message: Message) -> tuple[object, ...]:
            arguments = decode(message)
            call = CURRENT.get()
            if call is not None:
                call.event = arguments[argument]
            return arguments

        return codec._replace(decode=decode_and_keep)

    def around(self, run: Run, is_async: bool) -> tuple[Run, tuple[Observer, ...]]:
        """Return the callable to use instead of *run*, and the observers of the outcome."""
        told = self.observers
        if self.hooks:
            run, ended = tracing.surround_with_trace_hooks(run, is_async, self.hooks)
            told = (*ended, *told)
        if self.keeps_replies:
            from ffhost.observability.kept_replies import keep_replies

            run = keep_replies(run, is_async)
        return run, told


def observe_function(
    config: LoadedConfig, name: str, signature: str, *, callable: bool = True
) -> FunctionObservers:
    """Compose the observers of the function *name*.

    Args:
        callable: False for one that is switched off or has failed to load: it has no hooks

    Raises:
        LoadError: a trace hook cannot be loaded
    """
    settings = config.settings
    hooks = tracing.trace_hooks_of(config, name) if callable else ()
    observers: list[Observer] = []
    if callable and settings.logging.capture_print:
        observers.append(_end_prints)
    if settings.logging.invocations:
        observers.append(summary_observer(name, signature, principal=settings.logging.principal))
    if settings.admin.enabled and settings.metrics.enabled:
        from ffhost.observability.metrics import call_counters_of

        counts = call_counters_of(name, signature)
        events = signature in _EVENT_ARGUMENT
        observers.append(counts.observe_event if events else counts.observe)
    if settings.has_console:
        from ffhost.observability.call_tap import call_tap

        observers.append(call_tap.observe)
    return FunctionObservers(
        hooks, tuple(observers), settings.has_console and settings.console.capture
    )


def _end_prints(call: Call, outcome: Outcome) -> None:
    logs.log_unfinished_output(call.execution_id)


def _id_and_type_of(signature: str) -> Callable[[object], tuple[str | None, str | None]] | None:
    """Return a reader of the event for observers; None for signatures without events."""
    if signature not in _EVENT_ARGUMENT:
        return None
    from ffhost.events.facts import event_id_and_type_of

    return event_id_and_type_of


def summary_observer(name: str, signature: str, *, principal: bool = False) -> Observer:
    """Return an observer that writes the summary entry of each call of a function.

    Args:
        principal: whether entries say who called
    """
    record: SummaryRecorder | None = None
    known = False
    id_and_type_of = _id_and_type_of(signature)

    def summarize(call: Call, outcome: Outcome) -> None:
        nonlocal record, known
        if not known:
            # Logging is configured after loading, and before the first call.
            record, known = logs.configured_summary_recorder(name, signature), True
        if record is None or call.denied:  # refusals have their own entries, which are rate-limited
            return
        message = call.message
        trace_id = span_id = None
        told = message.fields_for(_TELLING)
        if told:
            agent = told.get("user-agent")
            if agent is not None and agent.startswith(_PROBE_AGENT) and outcome.kind == "ok":
                return
        if call.span_context is not None or not _TRACE_FIELDS.isdisjoint(told):
            trace_id, span_id = call.trace_id, call.span_id
        event_id = event_type = None
        if id_and_type_of is not None:
            event_id, event_type = id_and_type_of(call.event)
        record(
            message.method,
            message.path,
            outcome.status,
            outcome.kind,
            outcome.duration_seconds,
            message.body_bytes,
            outcome.sent_bytes,
            call.execution_id,
            trace_id,
            span_id,
            event_id,
            event_type,
            call.principal.name if principal and call.principal is not None else None,
            call.schedule,
            call.caller or (_told_caller(call.chain[-1]) if call.chain else None),
        )

    return summarize


def _told_caller(name: str) -> str | None:
    """Return the function of another host that calls, as that host names it."""
    return name if re.fullmatch(NAME_PATTERN, name) else None
