"""Start-up and shut-down hooks: collecting them, and running each once in a process.

A hook may be a coroutine function. Then it runs on the serving loop if there is one, else
on the background loop.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from ffhost.errors import HookFailed, StartupError
from ffhost.execution.shared_threads import background
from ffhost.invocation.function import Function
from ffhost.invocation.variables import FunctionVariables, using_function_variables
from ffhost.loading.marked_functions import find_marked_lifecycle_hooks
from ffhost.loading.modules import SCOPE_KEY

Hook = Callable[[], Any]


class HostLifecycle:
    """The hooks of one process that have run, and how the next ones are run."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop that serves; None behind a WSGI server."""
        self._started: dict[Hook, None] = {}

    def start(self, hooks: Iterable[Hook]) -> None:
        """Run the start-up hooks that have not run yet, from any thread but the loop's.

        Raises:
            StartupError: a hook failed
        """
        for hook in hooks:
            if hook not in self._started:
                _attempt(hook, "startup", self._call)
                self._started[hook] = None

    async def start_async(self, hooks: Iterable[Hook]) -> None:
        """Run the start-up hooks that have not run yet on the running loop.

        Raises:
            StartupError: a hook failed
        """
        self.loop = asyncio.get_running_loop()
        for hook in hooks:
            if hook not in self._started:
                await _attempt_async(hook, "startup")
                self._started[hook] = None

    def stop(self, hooks: Iterable[Hook]) -> None:
        """Run shut-down hooks from any thread but the loop's; one that fails is logged."""
        for hook in hooks:
            _attempt(hook, "shutdown", self._call)

    async def stop_async(self, hooks: Iterable[Hook]) -> None:
        """Run shut-down hooks on the running loop; one that fails is logged."""
        for hook in hooks:
            await _attempt_async(hook, "shutdown")

    def forget(self, hooks: Iterable[Hook]) -> None:
        """Forget start-up hooks, so that they run again if their functions come back."""
        for hook in hooks:
            self._started.pop(hook, None)

    def take_back(self, functions: Iterable[Function]) -> None:
        """Stop the applications among *functions* that were started and will not be served."""
        spans = {each.lifespan for each in functions if each.lifespan is not None}
        started = [each for each in spans if each.start in self._started]
        self.stop(each.stop for each in started)
        self.forget(each.start for each in started)

    def _call(self, hook: Hook) -> None:
        result = hook()
        if inspect.iscoroutine(result):
            loop = self.loop or background.get()
            asyncio.run_coroutine_threadsafe(_settled(result), loop).result()


async def _settled(work: Any) -> None:
    # SystemExit in a task would end the loop.
    try:
        await work
    except SystemExit as error:
        raise StartupError(f"the hook called sys.exit({error.code!r})") from error


def served_lifecycle_hooks(functions: Iterable[Function], when: str) -> list[Hook]:
    """Return the hooks that the modules of *functions* mark, each once, in order.

    Those of an isolated function run in its processes, when these start and stop. An ASGI
    application starts after the hooks of its module.
    """
    functions = list(functions)
    modules = {id(function.module): function.module for function in functions}
    hooks = [
        hook for module in modules.values() for hook in find_marked_lifecycle_hooks(module, when)
    ]
    pools = [function.processes for function in functions if function.processes is not None]
    hooks += [pool.start if when == "startup" else pool.stop for pool in pools]
    spans = [function.lifespan for function in functions if function.lifespan is not None]
    hooks += [span.start if when == "startup" else span.stop for span in spans]
    return list(dict.fromkeys(hooks))


def _attempt(hook: Hook, when: str, call: Callable[[Hook], None]) -> None:
    try:
        with using_function_variables(_environment(hook)):
            call(hook)
    except (Exception, SystemExit) as error:
        _failed(hook, when, error)


async def _attempt_async(hook: Hook, when: str) -> None:
    try:
        with using_function_variables(_environment(hook)):
            result = hook()
            if inspect.isawaitable(result):
                await result
    except (Exception, SystemExit) as error:
        _failed(hook, when, error)


def _environment(hook: Hook) -> FunctionVariables | None:
    """Return what *hook* finds in ``os.environ``: as the function for which it was imported."""
    scope = getattr(hook, "__builtins__", {}).get(SCOPE_KEY)
    found: FunctionVariables | None = None if scope is None else scope.environment
    return found


def _failed(hook: Hook, when: str, error: BaseException) -> None:
    if isinstance(error, HookFailed):
        raise error  # it ran in a separate process, which has logged it
    from ffhost.invocation.logger import get_logger
    from ffhost.loading.modules import plain_module_name

    module = plain_module_name(getattr(hook, "__module__", "") or "")
    name = f"{module}.{getattr(hook, '__qualname__', repr(hook))}"
    get_logger("ffhost").error(f"{when}_hook_failed", hook=name, exc_info=error)
    if when == "startup":
        raise HookFailed(
            f"the start-up hook {name} failed: {type(error).__name__}: {error}"
        ) from error
