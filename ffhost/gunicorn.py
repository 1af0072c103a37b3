"""gunicorn's settings from our configuration, for somebody's own ``gunicorn`` command.

``gunicorn -c python:ffhost.gunicorn ffhost.wsgi:app`` serves with gunicorn's threads. They get
our public address, timeouts, a drained ending and the hooks; `ffhost.server.gthread_hooks` says
what they cannot do. With ``ffhost.asgi:app`` our own worker serves, and the admin listener too.

The master is gunicorn's: it listens before its workers have loaded, and HUP replaces them.
gunicorn takes every name here that it knows as a setting, so there are no others.
"""

from __future__ import annotations

import os as _os
import sys as _sys
from pathlib import Path as _Path

from ffhost.config import ConfigSources as _Sources
from ffhost.config import load_config as _load_config
from ffhost.host.process_service import use_service_sources as _use_sources
from ffhost.server import configure_master_log as _log_as_configured
from ffhost.server import gunicorn_options as _options

_sources = _Sources(environ=dict(_os.environ), cwd=_Path.cwd())
_config = _load_config(_sources, at_start=True)
_use_sources(_sources)
_log_as_configured(_config)
# The application is named on the command line, and its module says what can serve it.
if any(each.partition(":")[0].rpartition(".")[2] == "asgi" for each in _sys.argv):
    globals().update(_options.gunicorn_asgi_options(_config))
else:
    from ffhost.server.gthread_hooks import on_starting, post_worker_init, worker_exit

    __all__ = ["on_starting", "post_worker_init", "worker_exit"]
    globals().update(_options.gunicorn_gthread_options(_config))
