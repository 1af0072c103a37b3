"""The server: gunicorn's master and uvicorn's workers, made to come and go without a cut.

The front is named here by import string only. ``serve`` is the way in for ``ffhost serve``;
`ffhost.gunicorn` brings our settings to somebody's own ``gunicorn`` command.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ffhost.config import LoadedConfig, Sources
from ffhost.host.process_service import use_sources
from ffhost.observability.notices import log_settings
from ffhost.server.addresses import Listening
from ffhost.server.announcer import Announcer
from ffhost.server.code_changes import CodeChanges

__all__ = ["Announcer", "Listening", "serve"]

FRONT = "ffhost.asgi:app"


def serve(
    config: LoadedConfig,
    sources: Sources,
    *,
    announcer: Announcer | None = None,
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

    log_as_configured(config)
    use_sources(sources)
    if not hasattr(os, "fork"):  # gunicorn needs it
        from ffhost.server import single_process

        return single_process.serve_alone(config, FRONT, announcer)
    from ffhost.server.gunicorn_app import Application
    from ffhost.server.master import Master

    # Nothing starts and no function is loaded by these imports. Workers share them, so that one
    # that is replaced is back sooner; and gunicorn would wrap what the second may raise.
    importlib.import_module(FRONT.partition(":")[0])
    importlib.import_module("ffhost.server.worker")
    application = Application(config, FRONT, announcer=announcer, check=check, changes=changes)
    master = Master(application)
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


def log_as_configured(config: LoadedConfig) -> None:
    """Write what the master says in the way that the configuration asks for."""
    from ffhost.loading import modules
    from ffhost.observability import logs

    logs.configure(
        log_settings(config),
        revision=config.revision,
        debug=config.settings.server.debug,
        plain_name=modules.plain_name,
    )
