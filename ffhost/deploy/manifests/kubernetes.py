"""Manifests for Kubernetes: one Deployment for all functions, or one for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ffhost.deploy.manifests import event_objects, pods
from ffhost.deploy.manifests.manifest_yaml import join_manifests, manifest_as_yaml
from ffhost.deploy.manifests.object_names import kubernetes_label, kubernetes_object_name
from ffhost.deploy.manifests.routes import gateway_http_routes
from ffhost.deploy.manifests.service_urls import workload_service_urls
from ffhost.deploy.manifests.workloads import ManifestOptions, ManifestValues, workload_limits_table

_STARTING = [
    "Resources are a first guess: replace them by what you measure.",
    "The HorizontalPodAutoscaler sets the replicas.",
]


def kubernetes_manifests(
    described: ManifestValues, options: ManifestOptions
) -> tuple[dict[str, str], list[str]]:
    """Return the manifests by file name, and notes for the user.

    Raises:
        ConfigError: with ``--split``, prefixes cannot separate the functions' paths
    """
    files: dict[str, str] = {}
    if described.has_schedules:
        described = described.with_variable(event_objects.SWITCH, "false")
    if described.files:
        files["configmap.yaml"] = kubernetes_config_map(described, options)
    service_of = _service_of(options)
    if options.split:
        for limits in described.functions:
            name = kubernetes_object_name(options.name, limits.name)
            one = described.of((limits,)).with_variables(
                workload_service_urls(described, limits.name, service_of)
            )
            parts = _workload(one, options, name, limits.name)
            files[f"function-{kubernetes_label(limits.name)}.yaml"] = join_manifests(
                list(parts.values())
            )
        backends = {
            each.name: {"name": kubernetes_object_name(options.name, each.name), "port": 80}
            for each in described.functions
        }
        files["httproute.yaml"] = join_manifests(
            list(gateway_http_routes(described, options, backends))
        )
    else:
        files |= _workload(described, options, options.name, None)
    jobs = list(
        event_objects.kubernetes_cron_jobs(
            described, options, _service_of(options), kubernetes_metadata
        )
    )
    if jobs:
        files["cronjobs.yaml"] = join_manifests(jobs)
    files["networkpolicy.yaml"] = manifest_as_yaml(*_network_policy(described, options))
    if options.service_monitor and described.admin_port is not None:
        files["servicemonitor.yaml"] = join_manifests(list(_monitor(described, options)))
    files["kustomization.yaml"] = kustomization_of_files(list(files), options)
    return files, list(event_objects.cluster_event_notes(described, "kubernetes"))


def _service_of(options: ManifestOptions) -> Callable[[str], str]:
    """Return what names the Service of a function."""
    return lambda name: (
        kubernetes_object_name(options.name, name) if options.split else options.name
    )


def kustomization_of_files(files: list[str], options: ManifestOptions) -> str:
    """Return the kustomization that lists *files*, for ``kubectl apply -k`` and overlays."""
    value: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
    }
    if options.namespace is not None:
        value["namespace"] = options.namespace
    return manifest_as_yaml(
        {**value, "resources": sorted(files)}, ["Apply with: kubectl apply -k ."]
    )


def kubernetes_metadata(
    options: ManifestOptions, name: str, function: str | None = None
) -> dict[str, Any]:
    """Return name and labels of an object."""
    found: dict[str, Any] = {"name": name}
    if options.namespace is not None:
        found["namespace"] = options.namespace
    return {**found, "labels": kubernetes_labels(options, function)}


def kubernetes_labels(options: ManifestOptions, function: str | None) -> dict[str, str]:
    """Return the labels that select the pods of an app, or of one function of it."""
    found = {"app.kubernetes.io/name": options.name}
    if function is not None:
        found["app.kubernetes.io/component"] = kubernetes_label(function)
    return found


def kubernetes_config_map(described: ManifestValues, options: ManifestOptions) -> str:
    """Return the ConfigMap with the configuration unchanged, comments included."""
    value = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": kubernetes_metadata(options, f"{options.name}-config"),
        "data": dict(described.files),
    }
    comments = [
        "A change arrives in the pods within about a minute and is applied without a restart,",
        "except for the sections server and admin: those need kubectl rollout restart.",
    ]
    return manifest_as_yaml(value, comments)


def _workload(
    described: ManifestValues, options: ManifestOptions, name: str, function: str | None
) -> dict[str, str]:
    comments = [
        *workload_limits_table(described, options.replicas),
        "",
        *_STARTING,
        *pods.kubernetes_secrets_needed(described, options.name),
    ]
    return {
        "deployment.yaml": manifest_as_yaml(
            _deployment(described, options, name, function), comments
        ),
        "service.yaml": manifest_as_yaml(_service(options, name, function)),
        "hpa.yaml": manifest_as_yaml(_autoscaler(options, name, function)),
        "pdb.yaml": manifest_as_yaml(_disruption_budget(options, name, function)),
    }


def _deployment(
    described: ManifestValues, options: ManifestOptions, name: str, function: str | None
) -> dict[str, Any]:
    found, mounts = pods.pod_volumes(described, options.name)
    ports = [{"name": "http", "containerPort": described.port}]
    if described.admin_port is not None:
        ports.append({"name": "admin", "containerPort": described.admin_port})
    container: dict[str, Any] = {
        "name": "ffhost",
        "image": options.image,
        "ports": ports,
        "env": pods.pod_environment(described, function),
    }
    secret = pods.pod_environment_secret(described, options.name)
    if secret:
        container["envFrom"] = secret
    container |= {
        # Not listening yet does not count as a failure: imports may take a while.
        "startupProbe": pods.pod_probe(pods.LIVE, "http", periodSeconds=1, failureThreshold=120),
        "readinessProbe": pods.pod_probe(
            pods.READY, "http", periodSeconds=2, timeoutSeconds=2, failureThreshold=2
        ),
        "livenessProbe": pods.pod_probe(
            pods.LIVE, "http", periodSeconds=10, timeoutSeconds=5, failureThreshold=3
        ),
        "resources": pods.pod_resources(described),
        "securityContext": pods.container_security(),
        "volumeMounts": mounts,
    }
    spec = {
        # Kubernetes would add a variable for each Service, some of them named FFHOST_
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": described.ending_seconds,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": kubernetes_labels(options, function)},
            }
        ],
        "containers": [container],
        "volumes": found,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": kubernetes_metadata(options, name, function),
        "spec": {
            "selector": {"matchLabels": kubernetes_labels(options, function)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": {
                "metadata": {"labels": kubernetes_labels(options, function)},
                "spec": spec,
            },
        },
    }


def _service(options: ManifestOptions, name: str, function: str | None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": kubernetes_metadata(options, name, function),
        "spec": {
            "selector": kubernetes_labels(options, function),
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "appProtocol": "http"}],
        },
    }


def _autoscaler(options: ManifestOptions, name: str, function: str | None) -> dict[str, Any]:
    fewest, most = options.replicas
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": kubernetes_metadata(options, name, function),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": fewest,
            "maxReplicas": most,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 70},
                    },
                }
            ],
        },
    }


def _disruption_budget(options: ManifestOptions, name: str, function: str | None) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": kubernetes_metadata(options, name, function),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": kubernetes_labels(options, function)},
        },
    }


def _network_policy(
    described: ManifestValues, options: ManifestOptions
) -> tuple[dict[str, Any], list[str]]:
    rules: list[dict[str, Any]] = [{"ports": [{"port": "http"}]}]
    comments = ["Calls may come from anywhere."]
    if described.admin_port is not None:
        prometheus = {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
        peer = {"namespaceSelector": {}, "podSelector": prometheus}
        rules.append({"from": [peer], "ports": [{"port": "admin"}]})
        comments.append("Only Prometheus may use the admin port, which shows the configuration.")
    value = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": kubernetes_metadata(options, options.name),
        "spec": {
            "podSelector": {"matchLabels": kubernetes_labels(options, None)},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        },
    }
    return value, comments


def _monitor(described: ManifestValues, options: ManifestOptions) -> Iterator[str]:
    """Return a ServiceMonitor and the Service that it needs; pods are found by their label."""
    name = kubernetes_label(f"{options.name}-admin")
    selecting = {**kubernetes_labels(options, None), "app.kubernetes.io/component": "admin"}
    yield manifest_as_yaml(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**kubernetes_metadata(options, name), "labels": selecting},
            "spec": {
                "clusterIP": "None",
                "selector": kubernetes_labels(options, None),
                "ports": [{"name": "admin", "port": described.admin_port, "targetPort": "admin"}],
            },
        }
    )
    yield manifest_as_yaml(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "ServiceMonitor",
            "metadata": {**kubernetes_metadata(options, options.name), "labels": selecting},
            "spec": {
                "selector": {"matchLabels": selecting},
                "endpoints": [{"port": "admin", "path": "/metrics", "interval": "30s"}],
            },
        },
        ["Needs the Prometheus operator, which may require a label here."],
    )
