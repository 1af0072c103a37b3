"""The server: gunicorn's master and uvicorn's workers, made to come and go without a cut.

The front is named here by import string only. ``serve`` is the way in for ``ffhost serve``;
`ffhost.gunicorn` brings our settings to somebody's own ``gunicorn`` command.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ffhost.config import ConfigSources, LoadedConfig
from ffhost.host.early_imports import import_likely_request
from ffhost.host.process_service import use_service_sources
from ffhost.observability.notices import effective_log_settings
from ffhost.server.addresses import ListeningAddress
from ffhost.server.announcer import ServerAnnouncer
from ffhost.server.code_changes import CodeChanges

__all__ = ["ListeningAddress", "ServerAnnouncer", "run_server"]

FRONT = "ffhost.asgi:app"


def run_server(
    config: LoadedConfig,
    sources: ConfigSources,
    *,
    announcer: ServerAnnouncer | None = None,
    check: Sequence[str] | None = None,
    changes: CodeChanges | None = None,
) -> int:
    """Serve until told to stop; return the exit status.

    Args:
        config: read and valid; the workers read it again from *sources*
        sources: what the configuration is made of
        announcer: told what the server does; None for nobody
        check: a command that exits with 0 if new code may be served, run at SIGUSR2
        changes: says when code or configuration has changed; None if nobody watches them, and
            the workers look after the configuration alone

    Raises:
        StartupError: an address cannot be bound, or a library is not as we know it
    """
    import gc
    import importlib

    configure_master_log(config)
    use_service_sources(sources)
    if not hasattr(os, "fork"):  # gunicorn needs it
        from ffhost.server import single_process

        return single_process.serve_in_one_process(config, FRONT, announcer)
    from ffhost.server.gunicorn_app import GunicornApplication
    from ffhost.server.master import GunicornMaster

    # Nothing starts and no function is loaded by these imports. Workers share them, so that one
    # that is replaced is back sooner; and gunicorn would wrap what the second may raise.
    importlib.import_module(FRONT.partition(":")[0])
    importlib.import_module("ffhost.server.worker")
    import_likely_request(config)
    application = GunicornApplication(
        config, FRONT, announcer=announcer, check=check, changes=changes
    )
    master = GunicornMaster(application)
    # A collector that looked at what was imported would copy the pages that workers share.
    gc.freeze()
    gc.enable()
    try:
        master.run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    finally:
        if config.settings.admin.enabled:
            from ffhost.observability.metrics import totals_files

            totals_files.remove_metrics_files(os.getpid())
    return 0


def configure_master_log(config: LoadedConfig) -> None:
    """Write what the master says in the way that the configuration asks for."""
    from ffhost.loading import modules
    from ffhost.observability import logs

    logs.configure_logging(
        effective_log_settings(config),
        revision=config.revision,
        debug=config.settings.server.debug,
        plain_name=modules.plain_module_name,
    )
