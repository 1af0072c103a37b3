"""Logging as the configuration of a service wants it."""

from __future__ import annotations

from collections.abc import Mapping

from ffhost.config import LoadedConfig
from ffhost.invocation.current import log_fields
from ffhost.loading import modules
from ffhost.observability import logs, notices


def configure_service_logs(config: LoadedConfig, environ: Mapping[str, str]) -> None:
    """Put the block ``logging`` of *config* in force.

    Args:
        environ: the environment, for the log formats of functions-framework
    """
    legacy = None
    wanted = environ.get("LOG_EXECUTION_ID") or environ.get("ENTRY_POINT")
    if wanted and config.framework_mode:
        from ffhost.observability.logs.framework_formats import framework_log_formats

        legacy = framework_log_formats(environ)
    logs.set_log_fields_source(log_fields)
    logs.configure_logging(
        notices.effective_log_settings(config),
        revision=config.revision,
        debug=config.settings.server.debug,
        plain_name=modules.plain_module_name,
        legacy=legacy,
    )
