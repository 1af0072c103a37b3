"""A file for Compose: the app on one machine, with the same restrictions as in a cluster."""

from __future__ import annotations

from typing import Any

from ffhost.deploy.app import CONFIG_FOLDER
from ffhost.deploy.manifests import pods
from ffhost.deploy.manifests.manifest_yaml import manifest_as_yaml
from ffhost.deploy.manifests.workloads import ManifestOptions, ManifestValues, workload_limits_table


def compose_manifests(
    described: ManifestValues, options: ManifestOptions, app: str
) -> dict[str, str]:
    """Return compose.yaml and the configuration beside it.

    The folder of the configuration is mounted, and not the file: an editor replaces a file, and
    a container would keep the old one.

    Args:
        app: the folder that the image is built from
    """
    environment: dict[str, str | None] = {
        each["name"]: each["value"] for each in pods.pod_environment(described, None)
    }
    environment |= {name: f"${{{name}:?}}" for name in described.needed}
    service: dict[str, Any] = {
        "image": options.image,
        "build": {"context": app},
        "ports": [f"{described.port}:{described.port}"],
        "environment": environment,
        "read_only": True,
        "tmpfs": ["/tmp"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "stop_grace_period": f"{described.ending_seconds}s",
        "restart": "unless-stopped",
    }
    volumes = [f"./config:{CONFIG_FOLDER}:ro"] if described.files else []
    volumes += [f"./secrets{folder}:{folder}:ro" for folder in described.secret_files]
    if volumes:
        service["volumes"] = volumes
    comments = [
        *workload_limits_table(described, (1, 1)),
        "",
        "Edit the files in config/: the host reloads them.",
        *(["Copy .env.example to .env, and fill it in."] if described.needed else []),
        *(
            f"secrets{folder} holds {', '.join(names)}."
            for folder, names in described.secret_files.items()
        ),
    ]
    value = {"name": options.name, "services": {options.name: service}}
    files = {"compose.yaml": manifest_as_yaml(value, comments)}
    if described.needed:
        files[".env.example"] = "".join(f"{name}=\n" for name in described.needed)
    for folder, names in described.secret_files.items():
        files[f"secrets{folder}/README"] = f"Put {', '.join(names)} here.\n"
    return files | {f"config/{name}": text for name, text in described.files.items()}
