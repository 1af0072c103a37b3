"""The parts of a container that are the same on every platform."""

from __future__ import annotations

from typing import Any

from ffhost.deploy.app import CONFIG_FOLDER, USER_ID
from ffhost.deploy.manifests.object_names import kubernetes_label
from ffhost.deploy.manifests.workloads import ManifestValues, kubernetes_quantity

LIVE, READY = "/_ffhost/live", "/_ffhost/ready"


def pod_environment(described: ManifestValues, function: str | None) -> list[dict[str, Any]]:
    """Return the variables of a container; with *function* it serves that one alone."""
    values: dict[str, str] = {}
    if described.config is not None:
        values["FFHOST_CONFIG"] = described.config
    if function is not None:
        values["FUNCTION_TARGET"] = function
    values |= described.environment
    return [{"name": name, "value": value} for name, value in values.items()]


def pod_environment_secret(described: ManifestValues, app: str) -> list[dict[str, Any]]:
    """Return the Secret that holds the variables which the configuration refers to."""
    return [{"secretRef": {"name": f"{app}-env"}}] if described.needed else []


def pod_volumes(
    described: ManifestValues, app: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the volumes and where they are mounted.

    The ConfigMap is mounted as a whole: with ``subPath`` it would never be updated.
    """
    found: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    if described.files:
        found.append({"name": "config", "configMap": {"name": f"{app}-config"}})
        mounts.append({"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True})
    for folder in described.secret_files:
        name = kubernetes_label(f"files{folder}")
        found.append({"name": name, "secret": {"secretName": kubernetes_secret_name(app, folder)}})
        mounts.append({"name": name, "mountPath": folder, "readOnly": True})
    found.append({"name": "tmp", "emptyDir": {}})
    mounts.append({"name": "tmp", "mountPath": "/tmp"})
    return found, mounts


def kubernetes_secret_name(app: str, folder: str) -> str:
    """Return the name of the Secret whose keys are the files of *folder*."""
    return kubernetes_label(f"{app}-{folder.rpartition('/')[2]}")


def kubernetes_secrets_needed(described: ManifestValues, app: str) -> list[str]:
    """Return comment lines that list the Secrets that must exist."""
    lines = []
    if described.needed:
        lines.append(f"Secret {app}-env holds the variables {', '.join(described.needed)}.")
    lines += [
        f"Secret {kubernetes_secret_name(app, folder)} holds the files "
        f"{', '.join(names)} of {folder}."
        for folder, names in described.secret_files.items()
    ]
    return lines


def container_security() -> dict[str, Any]:
    """Return the settings of Kubernetes' restricted profile, with a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def pod_resources(described: ManifestValues) -> dict[str, Any]:
    """Return first guesses, to be replaced by what is measured."""
    return {
        "requests": {
            "cpu": f"{250 * described.workers}m",
            "memory": kubernetes_quantity(described.memory),
        },
        "limits": {"memory": kubernetes_quantity(max(2 * described.memory, 256 * 1024**2))},
    }


def pod_probe(path: str, port: str | None, **rules: int) -> dict[str, Any]:
    """Return an HTTP probe."""
    target: dict[str, Any] = {"path": path}
    if port is not None:
        target["port"] = port
    return {"httpGet": target, **rules}
