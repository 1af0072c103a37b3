"""The pytest plugin: a fixture that calls the functions of a configuration.

It is on wherever ffhost is installed. ``ffhost_client`` is the fixture, ``ffhost_config`` the
ini option that names a configuration, and ``@pytest.mark.ffhost(...)`` the marker that chooses
one for a test. pytest imports this module in every run, so it imports nothing but pytest.

Tests that were written for functions-framework find the names that they import, such as
``cloudevents.http``, where nothing installed has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ffhost.config import DEFAULT_FILE

if TYPE_CHECKING:
    from ffhost.testing import Client


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option ``ffhost_config``."""
    parser.addini(
        "ffhost_config",
        "file or folder that ffhost_client serves; else the functions.yaml nearest to the test",
        default=None,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Provide the old names before the first ``conftest.py`` is imported."""
    from ffhost.loading.compat import install_compat_for_all

    install_compat_for_all()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker ``ffhost``."""
    config.addinivalue_line(
        "markers",
        "ffhost(config=..., front='asgi', environ={}, sets=[]): "
        "what ffhost_client serves for this test; the arguments of ffhost.testing.client",
    )


@pytest.fixture
def ffhost_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Run a host in this process for one test, and return its client.

    Hooks run for each test; modules are imported once in a run. The configuration is the
    argument of ``@pytest.mark.ffhost(config=...)``, else the ini option ``ffhost_config``, else
    the nearest ``functions.yaml`` in the folders above the test. The marker takes the other
    arguments of `ffhost.testing.client` as well.

    Args:
        request: pytest's request; the fixture is used by its name

    Returns:
        The `ffhost.testing.Client`.

    Raises:
        pytest.UsageError: there is no configuration

    Example:
        >>> def test_hello(ffhost_client):
        ...     assert ffhost_client.get("/hello").status == 200

    Since 0.1.
    """
    from ffhost.testing import client

    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("ffhost"))):
        options |= dict(zip(("config",), marker.args, strict=False)) | marker.kwargs
    if options.get("config") is None:
        options["config"] = request.config.getini("ffhost_config") or _nearest(request.path)
    options["config"] = request.config.rootpath / options["config"]
    with client(options.pop("config"), **options) as host:
        yield host


def _nearest(path: Path) -> Path:
    for folder in path.parents:
        if (folder / DEFAULT_FILE).is_file():
            return folder / DEFAULT_FILE
    raise pytest.UsageError(
        f"no {DEFAULT_FILE} beside or above {path}; set ffhost_config in the pytest configuration"
    )
