"""Manifests from a configuration: for Kubernetes, Knative, Cloud Run and Compose.

The text depends only on the configuration and the options, so that it can be kept
under version control and compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ffhost.config import ConfigSources, LoadedConfig
from ffhost.deploy.literal_secrets import find_secrets_to_deploy
from ffhost.deploy.manifests.manifest_yaml import join_manifests
from ffhost.deploy.manifests.object_names import image_name, kubernetes_label
from ffhost.deploy.manifests.workloads import (
    ManifestOptions,
    ManifestValues,
    collect_manifest_values,
)

__all__ = [
    "MANIFEST",
    "ExportedManifests",
    "ManifestOptions",
    "Platform",
    "export_manifests",
    "image_name",
    "kubernetes_label",
]

Platform = Literal["kubernetes", "knative", "cloudrun", "compose"]
PLATFORMS: tuple[Platform, ...] = ("kubernetes", "knative", "cloudrun", "compose")
MANIFEST = ".ffhost-export.json"
"""Name of the file that records what was written, beside it."""


@dataclass(slots=True)
class ExportedManifests:
    """Manifests by file name, and notes for the user."""

    files: dict[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def stream(self) -> str:
        """Return the manifests as one stream, for ``kubectl apply -f -``."""
        return join_manifests(
            [
                text
                for name, text in self.files.items()
                if name.endswith(".yaml") and name != "kustomization.yaml" and "/" not in name
            ]
        )


def export_manifests(
    platform: Platform,
    config: LoadedConfig,
    given: ConfigSources,
    options: ManifestOptions,
    *,
    app: str = "build",
) -> ExportedManifests:
    """Make the manifests of *config* for *platform*.

    Args:
        given: what the configuration was made of
        app: the folder that ``ffhost build`` wrote, for Compose

    Raises:
        ConfigError: it cannot be served on the platform, or cannot be split
    """
    described = collect_manifest_values(config, given)
    exported = _exported(platform, described, options, app)
    exported.notes += find_secrets_to_deploy(described.files, platform)
    return exported


def _exported(
    platform: Platform, described: ManifestValues, options: ManifestOptions, app: str
) -> ExportedManifests:
    if platform == "kubernetes":
        from ffhost.deploy.manifests import kubernetes

        return ExportedManifests(*kubernetes.kubernetes_manifests(described, options))
    if platform == "compose":
        from ffhost.deploy.manifests import compose

        return ExportedManifests(compose.compose_manifests(described, options, app))
    from ffhost.deploy.manifests import knative

    make = knative.knative_manifests if platform == "knative" else knative.cloud_run_manifests
    return ExportedManifests(*make(described, options))
