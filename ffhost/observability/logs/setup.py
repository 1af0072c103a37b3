"""Set-up of logging from the ``logging`` settings.

Nothing here knows where the settings come from; `configure_logging` takes any object that has them,
at start and again at every reload.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ffhost._lazy import call_after_import, forget_import_call
from ffhost.config.mask import SecretMask
from ffhost.config.terminal import is_terminal, wants_color
from ffhost.invocation.logger import write_events_with
from ffhost.observability.logs import capture, interpreter_hooks, logging_patches, summary
from ffhost.observability.logs.console import console_log_renderer
from ffhost.observability.logs.entries import LogEntries
from ffhost.observability.logs.log_profiles import log_profile_named
from ffhost.observability.logs.output import LogOutput, flush_log_outputs
from ffhost.observability.logs.records import (
    LogEntryHandler,
    hand_over_to_logging,
    log_entry_logger_factory,
)

if TYPE_CHECKING:
    from ffhost.observability.logs.framework_formats import FrameworkLogFormats


class LoggingOptions(Protocol):
    """The block ``logging`` of the configuration."""

    @property
    def written(self) -> frozenset[str]:
        """The keys that were given; the others have their defaults."""

    @property
    def level(self) -> str:
        """``debug``, ``info``, ``warning``, ``error`` or ``critical``."""

    @property
    def levels(self) -> Mapping[str, str]:
        """Levels by logger name."""

    @property
    def format(self) -> str | None:
        """``json`` or ``console``; None: console on a terminal."""

    @property
    def profile(self) -> str:
        """``default``, ``gcp`` or ``ecs``."""

    @property
    def stream(self) -> str:
        """``stdout``, or ``split``: WARNING and above on stderr."""

    @property
    def max_entry(self) -> int:
        """The longest that an entry may be, in bytes."""

    @property
    def invocations(self) -> bool:
        """Whether each call gets a summary entry."""

    @property
    def redact(self) -> Sequence[str]:
        """Further names whose values are masked."""

    @property
    def show(self) -> Sequence[str]:
        """Names whose values are not masked."""

    @property
    def capture_print(self) -> bool:
        """Whether what user code prints becomes entries."""


class _Active:
    """The present set-up of this process."""

    def __init__(self) -> None:
        self.handler = LogEntryHandler()
        self.outputs: dict[int, LogOutput] = {}
        self.root_level: int | None = None
        self.levels: dict[str, int] = {}
        self.invocations = True
        self.take: Callable[[Mapping[str, Any]], None] | None = None

    def output(self, descriptor: int) -> LogOutput:
        """Return the one output of *descriptor*: its buffer survives a reload."""
        if descriptor not in self.outputs:
            self.outputs[descriptor] = LogOutput(descriptor)
        return self.outputs[descriptor]


_active = _Active()
# First parts of the names of loggers that the host itself logs with.
_HOST_LOGGERS = frozenset(
    {"asyncio", "ffhost", "gunicorn", "py", "python", "stderr", "stdout", "threading", "uvicorn"}
)
_processors: list[Any] = []
_QUIET = {
    "ffhost": logging.INFO,
    "ffhost.loading": logging.WARNING,
    "ffhost.server": logging.WARNING,
    "gunicorn": logging.WARNING,
    "uvicorn": logging.WARNING,
}
"""Levels for people: what the host does is announced in other words, and the rest is theirs."""


def configure_logging(
    settings: LoggingOptions,
    *,
    revision: str = "",
    debug: bool = False,
    plain_name: Callable[[str], str] | None = None,
    legacy: FrameworkLogFormats | None = None,
    environ: Mapping[str, str] | None = None,
    out: int = 1,
    err: int = 2,
) -> LogEntries:
    """Apply *settings* from now on; may be called again at any time.

    Args:
        settings: the ``logging`` block
        revision: of the configuration, shown in every entry
        debug: begin at DEBUG unless the settings name a level
        plain_name: returns the name to show for a module's or logger's private one
        legacy: functions-framework's formats; None or falsy: none
        environ: for ``NO_COLOR`` and ``GOOGLE_CLOUD_PROJECT``; None: the process's
        out, err: the descriptors to write to
    """
    environ = os.environ if environ is None else environ
    flush_log_outputs()
    entries = _entries(
        settings,
        environ,
        out,
        err,
        legacy,
        revision=revision,
        plain_name=plain_name or (lambda name: name),
        max_entry_bytes=int(settings.max_entry),
        mask=SecretMask(settings.redact, settings.show),
    )
    if _active.take is not None:
        entries.hand_on(_active.take)
    _active.handler.entries = entries
    _active.invocations = settings.invocations
    quiet = _is_for_people(settings, out) and not _is_verbose(settings)
    _set_levels(settings, debug, legacy, _QUIET if quiet else {})
    _claim_root()
    logging_patches.install_logging_patches(
        _active.handler, level_written="level" in settings.written
    )
    call_after_import("structlog", _configure_structlog)
    interpreter_hooks.install_log_hooks(entries)
    if settings.capture_print or legacy:
        capture.install_output_capture(entries, everywhere=bool(legacy and legacy.entry_point))
    else:
        capture.uninstall_output_capture()
        _let_prints_appear()
    return entries


def _entries(
    settings: LoggingOptions,
    environ: Mapping[str, str],
    out: int,
    err: int,
    legacy: FrameworkLogFormats | None,
    **options: Any,
) -> LogEntries:
    stdout, stderr = _active.output(out), _active.output(err)
    if legacy:
        from ffhost.observability.logs.framework_formats import FrameworkLogEntries

        options["shape"] = log_profile_named("gcp", environ)
        return FrameworkLogEntries(legacy, stdout, stderr, **options)
    if settings.stream == "split":
        options["errors"] = stderr
    if _is_for_people(settings, out):
        colours = wants_color(is_terminal(out), environ)
        options["render"] = console_log_renderer(colours, terse=not _is_verbose(settings))
    else:
        options["shape"] = log_profile_named(settings.profile, environ)
    return LogEntries(stdout, **options)


def logging_handler() -> LogEntryHandler:
    """Return the handler that makes entries; before `configure_logging` with JSON on stdout."""
    if _active.handler.entries is None:
        _active.handler.entries = LogEntries(_active.output(1))
    return _active.handler


def configured_log_entries() -> LogEntries:
    """Return the converter of events into entries, as last configured."""
    found = logging_handler().entries
    assert found is not None
    return found


def hand_on_log_entries(take: Callable[[Mapping[str, Any]], None] | None) -> None:
    """Send the fields of every entry to *take* too, from now on; None: to nobody."""
    _active.take = take
    configured_log_entries().hand_on(take)


def _write_event(name: str, level: int, event: str, fields: dict[str, Any]) -> None:
    """Write an entry of ffhost's own, whatever user code makes of structlog."""
    logger = logging_patches.host_logger(name)
    if logger.isEnabledFor(level):
        arguments, options = hand_over_to_logging(logger, "", {**fields, "event": event})
        logger.log(level, *arguments, **options)


write_events_with(_write_event)


def configured_summary_recorder(function: str, signature: str) -> summary.SummaryRecorder | None:
    """Return the writer of summaries of calls of *function*; None if they are off.

    It belongs to the configuration in force; a reload makes new ones.
    """
    return (
        summary.make_summary_recorder(function, signature, configured_log_entries())
        if _active.invocations
        else None
    )


def restore_logging() -> None:
    """Undo changes of the global logging set-up that the import of a user's module made.

    ``logging.config.dictConfig`` takes all handlers off the root logger and disables every
    logger that it does not name; the host's own and the servers' are enabled again. Where
    user code put handlers of its own on the root logger, they stay, and only ffhost's own
    loggers keep ours.
    """
    ours = logging.getLogger("ffhost")
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in _HOST_LOGGERS and isinstance(logger, logging.Logger):
            logger.disabled = False
    handler = _active.handler
    if handler in logging.root.handlers or handler.entries is None:
        return
    if logging.root.handlers:
        if handler not in ours.handlers:
            ours.addHandler(handler)
            ours.propagate = False
    else:
        logging.root.addHandler(handler)


def flush_log() -> None:
    """Write all buffered entries; for the end of a worker and before a fork."""
    flush_log_outputs()


def reset_logging() -> None:
    """Undo everything that `configure_logging` did; for tests and for embedding."""
    flush_log_outputs()
    interpreter_hooks.uninstall_log_hooks()
    logging_patches.uninstall_logging_patches()
    capture.uninstall_output_capture()
    for logger in (logging.root, logging.getLogger("ffhost")):
        if _active.handler in logger.handlers:
            logger.removeHandler(_active.handler)
    logging.getLogger("ffhost").propagate = True
    for name in _active.levels:
        logging.getLogger(name).setLevel(logging.NOTSET)
    if _active.root_level is not None:
        logging.root.setLevel(logging.WARNING)
    forget_import_call("structlog")
    structlog = sys.modules.get("structlog")
    if structlog is not None and structlog.get_config()["processors"] is _processors:
        structlog.reset_defaults()
    _active.__init__()  # type: ignore[misc]


def has_log_level(name: str) -> bool:
    """Whether the settings give *name*, or a logger above it, a level of its own."""
    return any(name == one or name.startswith(f"{one}.") for one in _active.levels)


def _is_for_people(settings: LoggingOptions, out: int) -> bool:
    return (settings.format or ("console" if is_terminal(out) else "json")) == "console"


def _is_verbose(settings: LoggingOptions) -> bool:
    """Whether the settings ask for everything, as ``--verbose`` does."""
    return "level" in settings.written and settings.level == "debug"


def _set_levels(
    settings: LoggingOptions,
    debug: bool,
    legacy: FrameworkLogFormats | None,
    quiet: Mapping[str, int],
) -> None:
    name = settings.level
    if legacy and name == "info":
        name = legacy.level
    level = logging.DEBUG if debug and "level" not in settings.written else _level(name)
    # A level that user code set by itself is left alone until the settings change.
    if level != _active.root_level:
        logging.root.setLevel(level)
        _active.root_level = level
    levels = {str(logger): _level(value) for logger, value in settings.levels.items()}
    if debug:
        levels.setdefault("asyncio", logging.INFO)
    levels = {**quiet, **levels}
    for logger in _active.levels.keys() - levels.keys():
        logging.getLogger(logger).setLevel(logging.NOTSET)
    for logger, value in levels.items():
        if _active.levels.get(logger) != value:
            logging.getLogger(logger).setLevel(value)
    _active.levels = levels


def _level(name: str) -> int:
    return logging.getLevelNamesMapping()[str(name).upper()]


def _claim_root() -> None:
    root = logging.root
    if _active.handler not in root.handlers:
        root.addHandler(_active.handler)


def _configure_structlog() -> None:
    structlog = sys.modules["structlog"]
    if structlog.is_configured() and structlog.get_config()["processors"] is not _processors:
        return  # user code has configured it itself
    if not _processors:
        _processors.extend([structlog.stdlib.filter_by_level, hand_over_to_logging])
    structlog.configure(
        processors=_processors,
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        logger_factory=log_entry_logger_factory,
        cache_logger_on_first_use=True,
    )


def _let_prints_appear() -> None:
    """Write prints line by line: into a pipe Python would buffer 8 KiB."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
