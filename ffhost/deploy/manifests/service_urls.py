"""The addresses of functions that others call by name, where each has a workload of its own."""

from __future__ import annotations

from collections.abc import Callable

from ffhost.config.config_variables import variable_form
from ffhost.deploy.manifests.workloads import ManifestValues


def workload_service_urls(
    described: ManifestValues, function: str, service_of: Callable[[str], str]
) -> dict[str, str]:
    """Return the variables with the addresses of the functions that *function* may call.

    An address that the configuration has is kept. Without ``calls`` there are none: it is not
    known which functions are called.

    Args:
        service_of: returns the name of a function's Service
    """
    paths = {each.name: each.path for each in described.functions}
    found = {}
    for name in described.settings.functions[function].calls or ():
        if name == function or name not in paths or described.settings.functions[name].url:
            continue
        path = "" if "{" in paths[name] else paths[name].rstrip("/")
        found[f"FFHOST_FUNCTIONS__{variable_form(name)}__URL"] = f"http://{service_of(name)}{path}"
    return found
