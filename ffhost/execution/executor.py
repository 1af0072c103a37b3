"""``ffhost.executor``: threads for user code, which keep the invocation's context."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ContextExecutor(Executor):
    """Threads for user code: a ``concurrent.futures.Executor`` that keeps the call's context.

    What is submitted in a call logs and traces as part of it, and finds it with
    `ffhost.current`. Threads are daemons that are started on demand; they never keep a worker
    from ending. `ffhost.executor` is the one instance.

    Example:
        >>> ffhost.executor.submit(pow, 2, 10).result()
        1024
        >>> list(ffhost.executor.map(str.upper, ["a", "b"]))
        ['A', 'B']

    Since 0.1.
    """

    def __init__(self) -> None:
        from ffhost.execution.threads import ThreadPool

        self._pool = ThreadPool("ffhost-executor")

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``fn(*args, **kwargs)`` on a thread, in a copy of the caller's context.

        Args:
            fn: the callable
            args: its positional arguments
            kwargs: its named arguments

        Returns:
            A future of what *fn* returns or raises.
        """
        future: Future[T] = Future()
        task = _Task(future, fn, args, kwargs)
        self._pool.submit(task.run, _Job(), task.end)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Return without an effect: the executor is shared and lives as long as the process.

        Args:
            wait: has no effect
            cancel_futures: has no effect
        """


class _Job:
    """The pool's view of a submitted callable: it has a context and no deadline."""

    deadline = None
    job: Any = None

    def __init__(self) -> None:
        self.context = contextvars.copy_context()


class _Task:
    __slots__ = ("args", "fn", "future", "kwargs")

    def __init__(
        self, future: Future[Any], fn: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> None:
        self.future, self.fn, self.args, self.kwargs = future, fn, args, kwargs

    def run(self, _job: object) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.fn(*self.args, **self.kwargs)
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def end(self, _job: object, _result: object) -> None:
        if not self.future.done():
            self.future.set_exception(RuntimeError("no thread can be started"))


executor = ContextExecutor()
"""Runs callables on threads as part of the running invocation."""
