"""Programs that user code starts get the environment variables of its function.

``subprocess.Popen``, ``os.system`` and the subprocess methods of loops that start programs by
themselves are wrapped. Where an environment is given, it is left alone.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import subprocess
from typing import Any

from ffhost.invocation.variables import active_function_variables

_METHODS = ("subprocess_exec", "subprocess_shell")
_MARK = "__ffhost_wrapped__"


def install_subprocess_patches() -> None:
    """Wrap ``subprocess.Popen`` and ``os.system``; may be called again."""
    if not hasattr(os.system, _MARK):
        _wrap_popen()
        _wrap_system()


def install_subprocess_patches_on_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Wrap the methods of the class of *loop*, unless it uses ``subprocess.Popen``."""
    owner = type(loop)
    for name in _METHODS:
        method: Any = getattr(owner, name)
        if method is getattr(asyncio.BaseEventLoop, name) or hasattr(method, _MARK):
            continue
        setattr(owner, name, _wrapped_method(method))


def _environ() -> dict[str, str] | None:
    """Return the variables for a program; None if it inherits those of the process."""
    return None if active_function_variables() is None else dict(os.environ)


def _wrap_popen() -> None:
    original = subprocess.Popen.__init__
    position = list(inspect.signature(original).parameters).index("env") - 1

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **options: Any) -> None:
        given = args[position] if len(args) > position else options.get("env")
        environ = _environ() if given is None else None
        if environ is not None and len(args) > position:
            args = (*args[:position], environ, *args[position + 1 :])
        elif environ is not None:
            options["env"] = environ
        original(self, *args, **options)

    subprocess.Popen.__init__ = __init__  # type: ignore[method-assign]


def _wrap_system() -> None:
    original = os.system

    @functools.wraps(original)
    def system(command: Any) -> int:
        environ = _environ()
        if environ is None:
            return original(command)
        status = subprocess.call(os.fsencode(command), shell=True, close_fds=False, env=environ)
        return -status if status < 0 else status << 8  # as os.waitpid reports it

    setattr(system, _MARK, True)
    os.system = system


def _wrapped_method(method: Any) -> Any:
    @functools.wraps(method)
    async def start(self: Any, *args: Any, **options: Any) -> Any:
        if options.get("env") is None and (environ := _environ()) is not None:
            options["env"] = environ
        return await method(self, *args, **options)

    setattr(start, _MARK, True)
    return start
