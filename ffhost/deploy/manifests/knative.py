"""Manifests for Knative Serving, and for Cloud Run, which uses a variant of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from ffhost.deploy.manifests import event_objects, pods
from ffhost.deploy.manifests.kubernetes import (
    kubernetes_config_map,
    kubernetes_metadata,
    kustomization_of_files,
)
from ffhost.deploy.manifests.manifest_yaml import join_manifests, manifest_as_yaml
from ffhost.deploy.manifests.object_names import kubernetes_label, kubernetes_object_name
from ffhost.deploy.manifests.routes import gateway_http_routes
from ffhost.deploy.manifests.service_urls import workload_service_urls
from ffhost.deploy.manifests.workloads import (
    ManifestOptions,
    ManifestValues,
    kubernetes_quantity,
    workload_limits_table,
)

MOST_CONCURRENCY = 1000
"""Knative's ``container-concurrency-max-limit``, and Cloud Run's."""
MOST_SECONDS = 600
"""Knative's ``max-revision-timeout-seconds`` unless the cluster says otherwise."""
MOST_SECONDS_OF_CLOUD_RUN = 3600
RESERVED_PORTS = frozenset({8008, 8012, 8013, 8022, 9090, 9091})
"""Ports that Knative's own proxy uses."""
LONGEST_NAME = 52
"""Longest name of a Service: a revision's name is a DNS label with eleven characters more."""
_SECONDS_AFTER_SIGTERM = 10
_SMALLEST_MEMORY = 512 * 1024**2


def knative_manifests(
    described: ManifestValues, options: ManifestOptions
) -> tuple[dict[str, str], list[str]]:
    """Return the manifests by file name, and notes for the user."""
    files: dict[str, str] = {}
    notes = list(_notes(described, MOST_SECONDS, "max-revision-timeout-seconds"))
    notes += event_objects.cluster_event_notes(described, "knative")
    if described.has_schedules:
        described = described.with_variable(event_objects.SWITCH, "false")
    if described.port in RESERVED_PORTS:
        notes.append(f"port {described.port} is used by Knative: set server.port to another")
    if described.files:
        files["configmap.yaml"] = kubernetes_config_map(described, options)
    service_of = _service_of(options)
    if options.split:
        backends = {}
        for limits in described.functions:
            name = kubernetes_object_name(options.name, limits.name, LONGEST_NAME)
            one = described.of((limits,)).with_variables(
                workload_service_urls(described, limits.name, service_of)
            )
            files[f"function-{kubernetes_label(limits.name)}.yaml"] = _service(
                one, options, name, limits.name
            )
            backends[limits.name] = _through_ingress(options, name)
        routes = list(gateway_http_routes(described, options, backends))
        files["httproute.yaml"] = join_manifests([*routes, _grant(options)])
    else:
        files["service.yaml"] = _service(
            described, options, kubernetes_label(options.name, LONGEST_NAME), None
        )
    sinks = event_objects.knative_sinks(options, described, _service_of(options))
    for name, make in (
        ("triggers", event_objects.knative_triggers),
        ("pingsources", event_objects.knative_ping_sources),
    ):
        objects = list(make(described, options, sinks, kubernetes_metadata))
        if objects:
            files[f"{name}.yaml"] = join_manifests(objects)
    files["kustomization.yaml"] = kustomization_of_files(list(files), options)
    return files, notes


def _service_of(options: ManifestOptions) -> Callable[[str], str]:
    """Return what names the Service of a function."""
    if options.split:
        return lambda name: kubernetes_object_name(options.name, name, LONGEST_NAME)
    return lambda name: kubernetes_label(options.name, LONGEST_NAME)


def _service(
    described: ManifestValues, options: ManifestOptions, name: str, function: str | None
) -> str:
    found, mounts = pods.pod_volumes(described, options.name)
    container: dict[str, Any] = {
        "image": options.image,
        "ports": [{"name": "http1", "containerPort": described.port}],
        "env": pods.pod_environment(described, function),
    }
    secret = pods.pod_environment_secret(described, options.name)
    if secret:
        container["envFrom"] = secret
    container |= {
        # Knative fills in the port: it is the only one
        "readinessProbe": pods.pod_probe(pods.READY, None, successThreshold=1),
        "livenessProbe": pods.pod_probe(pods.LIVE, None, periodSeconds=10, timeoutSeconds=5),
        "resources": pods.pod_resources(described),
        "securityContext": pods.container_security(),
        "volumeMounts": mounts,
    }
    spec = {
        "enableServiceLinks": False,
        "containerConcurrency": container_concurrency(described),
        "timeoutSeconds": platform_timeout_seconds(described, MOST_SECONDS),
        "containers": [container],
        "volumes": found,
    }
    value = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": kubernetes_metadata(options, name, function),
        "spec": {
            "template": {
                "metadata": {
                    "annotations": {
                        "autoscaling.knative.dev/min-scale": "0",
                        "autoscaling.knative.dev/max-scale": str(options.replicas[1]),
                    }
                },
                "spec": spec,
            }
        },
    }
    return manifest_as_yaml(value, _comments(described, options, (1, options.replicas[1])))


def _comments(
    described: ManifestValues, options: ManifestOptions, replicas: tuple[int, int]
) -> list[str]:
    lines = [*workload_limits_table(described, replicas), ""]
    lines += [
        "containerConcurrency is the number of slots of a pod, so calls wait in front of it;",
        "timeoutSeconds is the longest deadline and the time in the queue before it.",
        *pods.kubernetes_secrets_needed(described, options.name),
    ]
    if described.admin_port is not None:
        lines.append("Only one port is reachable here, so the admin listener is not.")
    return lines


def _through_ingress(options: ManifestOptions, name: str) -> dict[str, Any]:
    """Return the backend for Knative's ingress, which finds the Service by its host name."""
    namespace, _, ingress = options.ingress.rpartition("/")
    host = f"{name}.{options.namespace or 'default'}.svc.cluster.local"
    return {
        "name": ingress,
        "namespace": namespace,
        "port": 80,
        "filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": host}}],
    }


def _grant(options: ManifestOptions) -> str:
    namespace, _, ingress = options.ingress.rpartition("/")
    value = {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": options.name, "namespace": namespace},
        "spec": {
            "from": [
                {
                    "group": "gateway.networking.k8s.io",
                    "kind": "HTTPRoute",
                    "namespace": options.namespace or "default",
                }
            ],
            "to": [{"group": "", "kind": "Service", "name": ingress}],
        },
    }
    return manifest_as_yaml(value, ["The route may reach the ingress in the ingress's namespace."])


def cloud_run_manifests(
    described: ManifestValues, options: ManifestOptions
) -> tuple[dict[str, str], list[str]]:
    """Return the services by file name, and notes for the user.

    Cloud Run cannot mount a ConfigMap: the configuration is part of the image.
    """
    notes = list(_notes(described, MOST_SECONDS_OF_CLOUD_RUN, "no more is possible there"))
    notes += event_objects.cluster_event_notes(described, "cloudrun")
    if described.has_schedules:
        described = described.with_variable(event_objects.SWITCH, "false")
    if not options.split:
        name = kubernetes_label(options.name, 49)
        return {"service.yaml": _run_service(described, options, name, None)}, notes
    files = {}
    for limits in described.functions:
        name = kubernetes_object_name(options.name, limits.name, 49)
        one = described.of((limits,))
        files[f"function-{kubernetes_label(limits.name)}.yaml"] = _run_service(
            one, options, name, limits.name
        )
    notes.append("paths need a load balancer's URL map, which is not written")
    return files, notes


def _run_service(
    described: ManifestValues, options: ManifestOptions, name: str, function: str | None
) -> str:
    environment = pods.pod_environment(described, function)
    if described.drain_delay + described.graceful_timeout >= _SECONDS_AFTER_SIGTERM:
        # An instance gets no requests any more when it gets SIGTERM, so no delay is needed.
        environment += [
            {"name": "FFHOST_SERVER__DRAIN_DELAY", "value": "0s"},
            {"name": "FFHOST_SERVER__GRACEFUL_TIMEOUT", "value": f"{_SECONDS_AFTER_SIGTERM - 1}s"},
        ]
    if not described.profile_written:
        environment.append({"name": "FFHOST_LOGGING__PROFILE", "value": "gcp"})
    environment += [
        {
            "name": each,
            "valueFrom": {"secretKeyRef": {"name": kubernetes_label(each), "key": "latest"}},
        }
        for each in described.needed
    ]
    memory = kubernetes_quantity(max(2 * described.memory, _SMALLEST_MEMORY))
    container = {
        "image": options.image,
        "ports": [{"name": "http1", "containerPort": described.port}],
        "env": environment,
        "resources": {"limits": {"cpu": str(described.workers), "memory": memory}},
        "startupProbe": pods.pod_probe(pods.READY, None, periodSeconds=1, failureThreshold=120),
        "livenessProbe": pods.pod_probe(pods.LIVE, None, periodSeconds=10, timeoutSeconds=5),
    }
    value = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": kubernetes_metadata(options, name, function),
        "spec": {
            "template": {
                "metadata": {
                    "annotations": {
                        "autoscaling.knative.dev/maxScale": str(options.replicas[1]),
                        "run.googleapis.com/startup-cpu-boost": "true",
                    }
                },
                "spec": {
                    "containerConcurrency": container_concurrency(described) or MOST_CONCURRENCY,
                    "timeoutSeconds": platform_timeout_seconds(
                        described, MOST_SECONDS_OF_CLOUD_RUN
                    ),
                    "containers": [container],
                },
            }
        },
    }
    comments = [
        *workload_limits_table(described, (1, options.replicas[1])),
        "",
        "The configuration is part of the image: change it by a new image or by a variable here.",
        "An instance has ten seconds to end after SIGTERM.",
        *(
            f"Secret {kubernetes_label(each)} of the Secret Manager gives {each}."
            for each in described.needed
        ),
        "Apply with: gcloud run services replace FILE",
    ]
    return manifest_as_yaml(value, comments)


def container_concurrency(described: ManifestValues) -> int:
    """Return the number of calls that a pod runs at once; 0 means without a limit."""
    slots = described.slots
    return 0 if math.isinf(slots) else min(int(slots), MOST_CONCURRENCY)


def platform_timeout_seconds(described: ManifestValues, most: int) -> int:
    """Return the seconds that the platform waits for an answer."""
    longest = described.longest_call
    return most if math.isinf(longest) else math.ceil(longest)


def _notes(described: ManifestValues, most: int, limit: str) -> Iterator[str]:
    for each in described.functions:
        longest = each.timeout + each.queue_timeout
        if math.isinf(longest):
            yield f"{each.name} has no deadline; the platform answers after {most}s"
        elif longest > most:
            yield f"{each.name} may take {math.ceil(longest)}s, more than {most}s: {limit}"
    if not math.isinf(described.slots) and described.slots > MOST_CONCURRENCY:
        yield f"a pod has {int(described.slots)} slots; the platform uses {MOST_CONCURRENCY}"
