"""``ffhost export``: manifests from the configuration."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ffhost.config import ConfigSources, load_config
from ffhost.deploy.manifests import (
    PLATFORMS,
    ExportedManifests,
    ManifestOptions,
    Platform,
    export_manifests,
)
from ffhost.deploy.manifests.object_names import kubernetes_label, kubernetes_object_name
from ffhost.deploy.manifests.routes import (
    gateway_path_prefix,
    gateway_route_problems,
    path_misled_by_gateway,
)
from ffhost.deploy.manifests.workloads import WorkloadLimits
from ffhost.errors import ConfigError
from ffhost.web.routing import PathRouter, RouteResponders, path_pattern, split_path_segments
from tests.fast_yaml import read_all

SMALL = "functions:\n  hello: {target: 'main.py:hello'}\n"
FULL = """
# what the shop does
server: {port: 9000, workers: 2, host: 127.0.0.1, drain_delay: 3s, graceful_timeout: 20s}
admin: {enabled: true}
functions:
  hello:
    target: main.py:hello
    config: {key: {from_env: API_KEY}, pem: {from_file: /run/shop/key.pem}, home: "${HOME_URL}"}
  On_Upload: {target: 'main.py:up', path: /events/upload, timeout: 10s, concurrency: 4, queue: 6}
  resize:
    {target: 'main.py:re', path: '/images/{id}', isolation: process, processes: 2, memory: 512MiB}
"""
ENVIRON = {"API_KEY": "k", "HOME_URL": "u"}


def exported(
    folder: Path, platform: Platform = "kubernetes", text: str = FULL, **options: Any
) -> ExportedManifests:
    (folder / "key.pem").write_text("k")
    text = dedent(text).replace("/run/shop", str(folder))
    (folder / "functions.yaml").write_text(text)
    sources = ConfigSources(environ=ENVIRON, cwd=folder)
    options = {"name": "shop", "image": "shop:1", **options}
    return export_manifests(platform, load_config(sources), sources, ManifestOptions(**options))


def documents(found: ExportedManifests) -> list[dict[str, Any]]:
    return [
        each
        for name, text in found.files.items()
        if name.endswith(".yaml") and "/" not in name
        for each in read_all(text)
    ]


def one(found: ExportedManifests, kind: str) -> dict[str, Any]:
    (document,) = [each for each in documents(found) if each.get("kind") == kind]
    return document


def pod(found: ExportedManifests) -> dict[str, Any]:
    spec: dict[str, Any] = one(found, "Deployment")["spec"]["template"]["spec"]
    return spec


CUSTOM = ("HTTPRoute", "ReferenceGrant", "ServiceMonitor", "Kustomization")


@pytest.mark.parametrize("text", [SMALL, FULL])
@pytest.mark.parametrize("split", [False, True])
def test_manifests_are_valid_kubernetes(tmp_path: Path, text: str, split: bool) -> None:
    found = documents(exported(tmp_path, text=text, split=split, namespace="shop"))
    for each in found:
        if each["kind"] not in CUSTOM:
            kubernetes_validate.validate(each, "1.34", strict=True)
    kinds = {each["kind"] for each in found}
    assert kinds == {
        *("ConfigMap", "Deployment", "Service", "HorizontalPodAutoscaler", "NetworkPolicy"),
        *("PodDisruptionBudget", "Kustomization"),
        *(["HTTPRoute"] if split else []),
    }


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("split", [False, True])
def test_the_same_configuration_gives_the_same_bytes(
    tmp_path: Path, platform: Platform, split: bool
) -> None:
    first = exported(tmp_path, platform, split=split)
    assert exported(tmp_path, platform, split=split) == first


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_stream_holds_every_manifest(tmp_path: Path, platform: Platform) -> None:
    found = exported(tmp_path, platform)
    streamed = list(read_all(found.stream))
    assert streamed == [each for each in documents(found) if each.get("kind") != "Kustomization"]


def test_the_config_map_holds_the_file_as_it_is(tmp_path: Path) -> None:
    found = exported(tmp_path, text=SMALL + "# a note\n")
    assert one(found, "ConfigMap")["data"] == {"functions.yaml": SMALL + "# a note\n"}
    assert "  functions.yaml: |\n    functions:\n" in found.files["configmap.yaml"]


def test_the_config_map_is_mounted_whole_so_that_changes_arrive(tmp_path: Path) -> None:
    container = pod(exported(tmp_path))["containers"][0]
    mount = next(each for each in container["volumeMounts"] if each["name"] == "config")
    assert mount == {"name": "config", "mountPath": "/etc/ffhost", "readOnly": True}
    assert {"name": "FFHOST_CONFIG", "value": "/app/functions.yaml"} in container["env"]


def test_a_pod_may_take_as_long_to_end_as_the_host_does(tmp_path: Path) -> None:
    assert pod(exported(tmp_path))["terminationGracePeriodSeconds"] == 3 + 20 + 5


def test_probes_ask_the_host_itself(tmp_path: Path) -> None:
    container = pod(exported(tmp_path))["containers"][0]
    asked = {
        name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")
    }
    live = {"path": "/_ffhost/live", "port": "http"}
    ready = {"path": "/_ffhost/ready", "port": "http"}
    assert asked == {"startup": live, "readiness": ready, "liveness": live}


def test_a_pod_meets_the_restricted_standard(tmp_path: Path) -> None:
    spec = pod(exported(tmp_path))
    security = spec["containers"][0]["securityContext"]
    assert security == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False


def test_listeners_on_loopback_are_opened_for_the_pod(tmp_path: Path) -> None:
    container = pod(exported(tmp_path))["containers"][0]
    values = {each["name"]: each["value"] for each in container["env"]}
    assert values["FFHOST_SERVER__HOST"] == values["FFHOST_ADMIN__HOST"] == "0.0.0.0"
    assert container["ports"] == [
        {"name": "http", "containerPort": 9000},
        {"name": "admin", "containerPort": 9901},
    ]


def test_the_admin_port_is_open_to_prometheus_alone(tmp_path: Path) -> None:
    rules = one(exported(tmp_path), "NetworkPolicy")["spec"]["ingress"]
    prometheus = {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert rules == [
        {"ports": [{"port": "http"}]},
        {
            "from": [{"namespaceSelector": {}, "podSelector": prometheus}],
            "ports": [{"port": "admin"}],
        },
    ]
    assert one(exported(tmp_path, text=SMALL), "NetworkPolicy")["spec"]["ingress"] == rules[:1]


def test_a_service_monitor_comes_with_the_service_it_needs(tmp_path: Path) -> None:
    found = exported(tmp_path, service_monitor=True)
    service, monitor = read_all(found.files["servicemonitor.yaml"])
    kubernetes_validate.validate(service, "1.34", strict=True)
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_what_the_configuration_refers_to_comes_from_secrets(tmp_path: Path) -> None:
    found = exported(tmp_path)
    container = pod(found)["containers"][0]
    assert container["envFrom"] == [{"secretRef": {"name": "shop-env"}}]
    assert str(tmp_path) in [each["mountPath"] for each in container["volumeMounts"]]
    comment = "# Secret shop-env holds the variables API_KEY, HOME_URL.\n"
    assert comment in found.files["deployment.yaml"]


def test_limits_are_shown_multiplied(tmp_path: Path) -> None:
    head = exported(tmp_path).files["deployment.yaml"].splitlines()[:5]
    assert head == [
        "# Limits count per worker. With 2 workers a pod and 2 to 10 pods:",
        "# function   at once: worker  pod  all      waiting: worker  pod  all       within",
        "# hello      40               80   160-800  100              200  400-2000  1m",
        "# On_Upload  4                8    16-80    6                12   24-120    10s",
        "# resize     2                4    8-40     100              200  400-2000  1m",
    ]


def test_kustomization_names_every_file(tmp_path: Path) -> None:
    for platform in ("kubernetes", "knative"):
        found = exported(tmp_path, platform, split=True)  # type: ignore[arg-type]
        named = one(found, "Kustomization")["resources"]
        assert sorted([*named, "kustomization.yaml"]) == sorted(found.files)


# Split


def test_a_split_function_is_served_alone_from_the_same_image_and_file(tmp_path: Path) -> None:
    found = exported(tmp_path, split=True)
    deployments = [each for each in documents(found) if each["kind"] == "Deployment"]
    assert [each["metadata"]["name"] for each in deployments] == [
        "shop-hello",
        "shop-on-upload",
        "shop-resize",
    ]
    containers = [each["spec"]["template"]["spec"]["containers"][0] for each in deployments]
    targets = [
        {each["name"]: each["value"] for each in container["env"]}["FUNCTION_TARGET"]
        for container in containers
    ]
    assert targets == ["hello", "On_Upload", "resize"]
    assert {each["image"] for each in containers} == {"shop:1"}


def test_the_route_keeps_the_paths(tmp_path: Path) -> None:
    route = one(exported(tmp_path, split=True, gateway="edge/main"), "HTTPRoute")
    assert route["spec"]["parentRefs"] == [{"name": "main", "namespace": "edge"}]
    rules = [
        (each["matches"][0]["path"]["value"], each["backendRefs"][0]["name"])
        for each in route["spec"]["rules"]
    ]
    assert rules == [
        ("/events/upload", "shop-on-upload"),
        ("/hello", "shop-hello"),
        ("/images", "shop-resize"),
    ]


def test_one_route_holds_at_most_sixteen_rules(tmp_path: Path) -> None:
    text = "functions:\n" + "".join(f"  f{n}: {{target: 'main.py:f'}}\n" for n in range(40))
    found = documents(exported(tmp_path, text=text, split=True))
    routes = [each for each in found if each["kind"] == "HTTPRoute"]
    assert [len(each["spec"]["rules"]) for each in routes] == [16, 16, 8]
    assert [each["metadata"]["name"] for each in routes] == ["shop", "shop-2", "shop-3"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (
            ["/items", "/items"],
            "functions.b.path: a and b share /items with different methods, "
            "and a prefix does not see the method",
        ),
        (
            ["/users", "/users/{id}"],
            "functions.b.path: /users of a and /users/{id} of b both begin with /users, "
            "and a prefix ends before the first parameter",
        ),
        (
            ["/users/{id}/orders", "/users/me"],
            "functions.b.path: /users/me/orders leads to a in one host, but by its longest "
            "prefix to b",
        ),
        (
            ["/users", "/users/me/{what}"],
            "functions.b.path: /users/me leads to a in one host, but by its longest prefix to b",
        ),
        (["/users/{id}", "/users/me"], None),
        (["/", "/hello"], None),
        (["/a/{x}/{y}", "/a/b/{z}"], None),
    ],
)
def test_paths_that_prefixes_cannot_tell_apart_are_refused(
    paths: list[str], message: str | None
) -> None:
    functions = [limits(name, path) for name, path in zip("ab", paths, strict=True)]
    found = [str(each) for each in gateway_route_problems(functions)]
    assert found == ([] if message is None else [message])


def limits(name: str, path: str) -> WorkloadLimits:
    return WorkloadLimits(name, path, 60, 40, 100, 5, 0)


def template(parts: list[str]) -> str:
    return "/" + "/".join(part.replace("x", f"x{place}") for place, part in enumerate(parts))


TEMPLATE = st.lists(st.sampled_from(["a", "b", "{x}"]), max_size=4).map(template)


def starts(path: list[str], prefix: list[str]) -> bool:
    return path[: len(prefix)] == prefix


@given(TEMPLATE, TEMPLATE, st.lists(st.sampled_from(["a", "b", "c"]), max_size=6))
def test_a_path_that_is_not_refused_leads_where_the_host_leads_it(
    first: str, second: str, path: list[str]
) -> None:
    if path_pattern(first) == path_pattern(second) or gateway_path_prefix(
        first
    ) == gateway_path_prefix(second):
        return
    mine, other = limits("a", first), limits("b", second)
    if path_misled_by_gateway(mine, other) is not None:
        return
    router = PathRouter(print)
    for each in (mine, other):
        router.mount(each.path, each, RouteResponders({}, print))
    owner = router.find("/" + "/".join(path))[0]
    heads = {
        each.name: split_path_segments(gateway_path_prefix(each.path)) for each in (mine, other)
    }
    fitting = [each for each in (mine, other) if starts(path, heads[each.name])]
    by_prefix = max(fitting, key=lambda each: len(heads[each.name]), default=None)
    assert not isinstance(owner, WorkloadLimits) or owner is by_prefix


def test_a_set_that_cannot_be_split_is_refused_as_a_wrong_configuration(tmp_path: Path) -> None:
    text = """\
        functions:
          a: {target: 'main.py:a', path: /x, methods: [GET]}
          b: {target: 'main.py:b', path: /x, methods: [POST]}
        """
    with pytest.raises(ConfigError, match="share /x with different methods"):
        exported(tmp_path, text=dedent(text), split=True)


# Knative: the rules of its admission webhook (pkg/apis/serving) that concern us.

POD_FIELDS = {
    *("containers", "volumes", "enableServiceLinks", "serviceAccountName", "imagePullSecrets"),
    *("containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds"),
}
CONTAINER_FIELDS = {
    *("name", "args", "command", "env", "envFrom", "image", "imagePullPolicy", "livenessProbe"),
    *("ports", "readinessProbe", "resources", "securityContext", "volumeMounts", "workingDir"),
    *("terminationMessagePath", "terminationMessagePolicy"),
}
SECURITY_FIELDS = {
    *("capabilities", "readOnlyRootFilesystem", "runAsUser", "runAsGroup", "runAsNonRoot"),
    *("allowPrivilegeEscalation", "seccompProfile"),
}


def check_knative(service: dict[str, Any]) -> None:
    """Fail where Knative's webhook would refuse the Service."""
    assert len(service["metadata"]["name"]) <= 52
    spec = service["spec"]["template"]["spec"]
    assert set(spec) <= POD_FIELDS
    assert 0 <= spec["containerConcurrency"] <= 1000
    assert 0 < spec["timeoutSeconds"] <= 600
    (container,) = spec["containers"]
    assert set(container) <= CONTAINER_FIELDS
    assert set(container.get("securityContext", {})) <= SECURITY_FIELDS
    (port,) = container["ports"]
    assert port["name"] in ("", "http1", "h2c")
    assert port["containerPort"] not in {8008, 8012, 8013, 8022, 9090, 9091}
    reserved = {"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"}
    assert not reserved & {each["name"] for each in container["env"]}
    volumes = {each["name"]: each for each in spec.get("volumes", [])}
    mounts = container.get("volumeMounts", [])
    assert {each["name"] for each in mounts} == set(volumes)
    assert len({each["mountPath"] for each in mounts}) == len(mounts)
    for mount in mounts:
        assert mount["mountPath"] not in ("/", "/dev", "/dev/log")
        assert mount.get("readOnly") or "emptyDir" in volumes[mount["name"]]
    for name in ("readinessProbe", "livenessProbe"):
        assert "port" not in container[name]["httpGet"]
    assert container["readinessProbe"]["successThreshold"] >= 1


@pytest.mark.parametrize("text", [SMALL, FULL])
@pytest.mark.parametrize("split", [False, True])
def test_services_keep_to_the_constraints_of_knative(
    tmp_path: Path, text: str, split: bool
) -> None:
    found = documents(exported(tmp_path, "knative", text=text, split=split))
    services = [each for each in found if each["apiVersion"] == "serving.knative.dev/v1"]
    assert services
    for each in services:
        check_knative(each)


def test_knative_gets_its_limits_from_the_functions(tmp_path: Path) -> None:
    found = one(exported(tmp_path, "knative"), "Service")["spec"]["template"]["spec"]
    assert found["containerConcurrency"] == 2 * (40 + 4 + 2)
    assert found["timeoutSeconds"] == 60 + 5
    split = documents(exported(tmp_path, "knative", split=True))
    upload = next(each for each in split if each["metadata"].get("name") == "shop-on-upload")
    spec = upload["spec"]["template"]["spec"]
    assert (spec["containerConcurrency"], spec["timeoutSeconds"]) == (2 * 4, 10 + 5)


def test_limits_that_a_platform_cannot_keep_are_told(tmp_path: Path) -> None:
    text = """\
        functions:
          a: {target: 'main.py:a', timeout: unlimited, concurrency: unlimited}
          b: {target: 'main.py:b', timeout: 1h}
        """
    found = exported(tmp_path, "knative", text=dedent(text))
    assert found.notes == [
        "a has no deadline; the platform answers after 600s",
        "b may take 3605s, more than 600s: max-revision-timeout-seconds",
    ]
    spec = one(found, "Service")["spec"]["template"]["spec"]
    assert (spec["containerConcurrency"], spec["timeoutSeconds"]) == (0, 600)


def test_a_route_leads_through_knatives_ingress(tmp_path: Path) -> None:
    found = exported(tmp_path, "knative", split=True, namespace="prod")
    rule = one(found, "HTTPRoute")["spec"]["rules"][0]
    assert rule["filters"] == [
        {
            "type": "URLRewrite",
            "urlRewrite": {"hostname": "shop-on-upload.prod.svc.cluster.local"},
        }
    ]
    assert rule["backendRefs"] == [
        {"name": "kourier-internal", "namespace": "kourier-system", "port": 80}
    ]
    assert one(found, "ReferenceGrant")["metadata"]["namespace"] == "kourier-system"


# Cloud Run and Compose


def test_cloud_run_ends_within_its_ten_seconds(tmp_path: Path) -> None:
    (container,) = one(exported(tmp_path, "cloudrun"), "Service")["spec"]["template"]["spec"][
        "containers"
    ]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["FFHOST_SERVER__DRAIN_DELAY"] == "0s"
    assert values["FFHOST_SERVER__GRACEFUL_TIMEOUT"] == "9s"
    assert values["FFHOST_LOGGING__PROFILE"] == "gcp"
    assert "PORT" not in values
    sources = [each["valueFrom"] for each in container["env"] if "valueFrom" in each]
    assert sources == [
        {"secretKeyRef": {"name": "api-key", "key": "latest"}},
        {"secretKeyRef": {"name": "home-url", "key": "latest"}},
    ]


def test_compose_mounts_the_folder_of_the_configuration(tmp_path: Path) -> None:
    found = exported(tmp_path, "compose", text=SMALL)
    assert found.files["config/functions.yaml"] == SMALL
    service = yaml.safe_load(found.files["compose.yaml"])["services"]["shop"]
    assert service["volumes"] == ["./config:/etc/ffhost:ro"]
    assert service["read_only"] is True
    assert service["stop_grace_period"] == "37s"


# Names


@given(st.text(max_size=80), st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,62}", fullmatch=True))
def test_names_are_dns_labels(app: str, function: str) -> None:
    for name in (
        kubernetes_label(app),
        kubernetes_object_name(kubernetes_label(app), function),
        kubernetes_object_name(kubernetes_label(app), function, 49),
    ):
        assert 0 < len(name) <= 63
        assert name[0].isascii()
        assert name[0].isalpha()
        assert name[-1].isalnum()
        assert all(char.isascii() and (char.isalnum() or char == "-") for char in name)
        assert name == name.lower()


def test_long_names_stay_different() -> None:
    assert kubernetes_object_name("shop", "a" * 62 + "b") != kubernetes_object_name(
        "shop", "a" * 62 + "c"
    )
    assert len(kubernetes_object_name("shop", "a" * 63)) == 63


@pytest.mark.parametrize("platform", PLATFORMS)
def test_secrets_that_are_written_out_are_told_and_never_shown(
    tmp_path: Path, platform: Platform
) -> None:
    text = """\
        x-note: {db-password: hunter2}
        functions:
          hello:
            target: main.py:hello
            config:
              token: hunter2
              key: {from_env: API_KEY}
              home: "${HOME_URL}"
              pass: "${NOT_SET:-hunter2}"
              db: postgres://me:hunter2@db/x
              page: https://example.com/?page=2
              retries: {max_keys: 7}
        """
    notes = [note for note in exported(tmp_path, platform, text).notes if "secret" in note]
    assert [note.partition(": this")[0] for note in notes] == [
        "functions.yaml:1: x-note.db-password",
        "functions.yaml:6: functions.hello.config.token",
        "functions.yaml:9: functions.hello.config.pass",
        "functions.yaml:10: functions.hello.config.db",
    ]
    assert notes[1].endswith("write {from_env: NAME} or {from_file: /run/secrets/NAME}")
    assert "hunter2" not in "".join(notes)


def test_a_console_is_not_exported_for_everybody_in_the_cluster(tmp_path: Path) -> None:
    opened = "admin: {enabled: true}\nconsole: {enabled: true}\n" + SMALL
    for platform in ("kubernetes", "knative", "compose"):
        with pytest.raises(ConfigError, match="in a container every pod"):
            exported(tmp_path, platform, text=opened)  # type: ignore[arg-type]
    locked = "auth: {staff: {keys: {ada: opensesame-opensesame}}}\n" + opened.replace(
        "{enabled: true}", "{enabled: true, auth: staff}", 1
    )
    assert pod(exported(tmp_path, text=locked))
