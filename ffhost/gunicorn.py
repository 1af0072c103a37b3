"""gunicorn's settings from our configuration.

``gunicorn -c python:ffhost.gunicorn ffhost.wsgi:app`` is how to use it.

It brings our addresses, threads, workers and timeouts, and with our workers drained endings,
read timeouts and shut-down hooks. The master stays gunicorn's own: it listens before its
workers have loaded, and HUP replaces them. gunicorn takes every name here that it knows as a
setting, so there are no others.
"""

from __future__ import annotations

import os as _os
import sys as _sys
from pathlib import Path as _Path

from ffhost.config import Sources as _Sources
from ffhost.config import load_config as _load_config
from ffhost.server.options import WORKERS as _WORKERS
from ffhost.server.options import gunicorn_options as _gunicorn_options
from ffhost.service import use_sources as _use_sources

_sources = _Sources(environ=dict(_os.environ), cwd=_Path.cwd())
_use_sources(_sources)
globals().update(_gunicorn_options(_load_config(_sources)))
# The application is named on the command line, and settles what can serve it.
_asgi = any(argument.startswith("ffhost.asgi") for argument in _sys.argv)
worker_class = _WORKERS["asgi" if _asgi else "wsgi"]
