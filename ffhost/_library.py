"""A library whose inside we use, and whether that is as we know it.

What is private or undocumented in a library may be gone with its next version. One module for
each such library, whose name begins with an underscore, says what is used and why, and checks
at its import that it is there. Nothing here is called while requests are served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from opcode import opmap
from types import CodeType, FunctionType
from typing import Any, NoReturn

from ffhost.errors import StartupError


class InstalledLibrary:
    """An installed library, by the name that pip knows it by.

    Args:
        distribution: that name
        tested: a version that has all that is used
    """

    def __init__(self, distribution: str, *, tested: str) -> None:
        self.distribution = distribution
        self.tested = tested
        self.required: list[tuple[Any, str]] = []
        """Owner and name of everything that is used."""

    @contextmanager
    def imports(self) -> Iterator[None]:
        """Import modules of the library in this block.

        Raises:
            ImportError: the library is not installed
            StartupError: it is, and has another inside
        """
        try:
            yield
        except ImportError as error:
            try:
                metadata.version(self.distribution)
            except metadata.PackageNotFoundError:
                raise error from None
            self._fail(error.name or str(error), "serve", error)

    def require(self, owner: Any, names: Mapping[str, str]) -> None:
        """Check that *owner*, a class or a module, has *names*; each with what it is used for.

        Raises:
            StartupError: a name is missing; only the first is told
        """
        for name, purpose in names.items():
            self.required.append((owner, name))
            if not has_attribute(owner, name):
                self._fail(f"{owner.__name__}.{name}", purpose)

    def require_parameters(self, function: Any, names: Mapping[str, str]) -> None:
        """Check that *function* takes parameters of *names*; each with what it is used for.

        Raises:
            StartupError: a parameter is missing; only the first is told
        """
        from inspect import signature

        parameters = signature(function).parameters
        for name, purpose in names.items():
            if name not in parameters:
                self._fail(f"parameter {name} of {function.__name__}", purpose)

    def _fail(self, missing: str, purpose: str, cause: Exception | None = None) -> NoReturn:
        raise StartupError(
            f"{self.distribution} {metadata.version(self.distribution)} has no {missing}, which "
            f"ffhost needs to {purpose}; install a version that has it: "
            f"pip install '{self.distribution}=={self.tested}'"
        ) from cause


_STORE = opmap["STORE_ATTR"]


def has_attribute(owner: Any, name: str) -> bool:
    """Whether *owner* has *name*, or its methods assign it to its instances."""
    return hasattr(owner, name) or any(
        _assigns(method.__code__, name)
        for each in getattr(owner, "__mro__", ())
        for method in vars(each).values()
        if isinstance(method, FunctionType)
    )


def _assigns(code: CodeType, name: str) -> bool:
    # A search among bytes, because `dis` would cost each start 20 ms.
    names = code.co_names
    return name in names and bytes((_STORE, names.index(name) & 255)) in code.co_code
