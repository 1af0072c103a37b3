"""Manifests from a configuration: for Kubernetes, Knative, Cloud Run and Compose.

The text depends only on the configuration and the options, so that it can be kept
under version control and compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ffhost.config import LoadedConfig, Sources
from ffhost.deploy.literal_secrets import literal_secrets
from ffhost.deploy.manifests.manifest_yaml import stream
from ffhost.deploy.manifests.object_names import image_name, label
from ffhost.deploy.manifests.workloads import Described, ExportOptions, describe

__all__ = ["MANIFEST", "ExportOptions", "Exported", "Platform", "export", "image_name", "label"]

Platform = Literal["kubernetes", "knative", "cloudrun", "compose"]
PLATFORMS: tuple[Platform, ...] = ("kubernetes", "knative", "cloudrun", "compose")
MANIFEST = ".ffhost-export.json"
"""Name of the file that records what was written, beside it."""


@dataclass(slots=True)
class Exported:
    """Manifests by file name, and notes for the user."""

    files: dict[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def stream(self) -> str:
        """Return the manifests as one stream, for ``kubectl apply -f -``."""
        return stream(
            [
                text
                for name, text in self.files.items()
                if name.endswith(".yaml") and name != "kustomization.yaml" and "/" not in name
            ]
        )


def export(
    platform: Platform,
    config: LoadedConfig,
    given: Sources,
    options: ExportOptions,
    *,
    app: str = "build",
) -> Exported:
    """Make the manifests of *config* for *platform*.

    Args:
        given: what the configuration was made of
        app: the folder that ``ffhost build`` wrote, for Compose

    Raises:
        ConfigError: it cannot be served on the platform, or cannot be split
    """
    described = describe(config, given)
    exported = _exported(platform, described, options, app)
    exported.notes += literal_secrets(described.files, platform)
    return exported


def _exported(
    platform: Platform, described: Described, options: ExportOptions, app: str
) -> Exported:
    if platform == "kubernetes":
        from ffhost.deploy.manifests import kubernetes

        return Exported(*kubernetes.manifests(described, options))
    if platform == "compose":
        from ffhost.deploy.manifests import compose

        return Exported(compose.manifests(described, options, app))
    from ffhost.deploy.manifests import knative

    make = knative.knative if platform == "knative" else knative.cloud_run
    return Exported(*make(described, options))
