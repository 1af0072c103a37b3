"""``ffhost export``: from the configuration to manifests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ffhost.config import LoadedConfig
    from ffhost.deploy.manifests import ManifestOptions

PLATFORMS = ("kubernetes", "knative", "cloudrun", "compose")
_OTHER_NAMES = {
    **dict.fromkeys(("k8s", "kube"), "kubernetes"),
    **dict.fromkeys(("cloud-run", "gcp"), "cloudrun"),
    **dict.fromkeys(("docker-compose", "docker"), "compose"),
}


class _Platform(click.Choice):  # type: ignore[type-arg]  # not generic before click 8.2
    """A platform, also by its other names."""

    def convert(self, value: str, *place: Any) -> Any:
        """Return the name that is known here."""
        return super().convert(_OTHER_NAMES.get(value, value), *place)

    def get_missing_message(self, *_arguments: Any, **_options: Any) -> str:
        """Return the platforms, for the line of the error."""
        return f"It is one of {', '.join(PLATFORMS)}"


@click.command()
@click.argument("platform", type=_Platform(PLATFORMS), metavar="PLATFORM")
@click.option(
    "-c",
    "--config",
    metavar="PATH",
    type=click.Path(),
    help="File or folder. Default: ./functions.yaml.",
)
@click.option("--out", metavar="DIR", help="Write files there. Default: print one stream.")
@click.option("--split", is_flag=True, help="One workload for each function, and their routes.")
@click.option("--name", help="Name of the objects. Default: the folder's name.")
@click.option("--image", help="What the containers run. Default: NAME:latest.")
@click.option("--namespace", help="Default: none; it is chosen when the manifests are applied.")
@click.option("--min-replicas", type=click.IntRange(1), default=2, show_default=True)
@click.option("--max-replicas", type=click.IntRange(1), default=10, show_default=True)
@click.option("--service-monitor", is_flag=True, help="Add a ServiceMonitor.")
@click.option("--gateway", default="gateway", show_default=True, help="[NAMESPACE/]NAME, --split.")
@click.option("--hostname", "hostnames", multiple=True, help="Of the routes, --split. Repeatable.")
@click.option(
    "--ingress",
    default="kourier-system/kourier-internal",
    show_default=True,
    metavar="NAMESPACE/NAME",
    help="Service of Knative's ingress, --split.",
)
@click.option("--force", is_flag=True, help="Overwrite files that were changed since.")
def command(platform: Any, **given_options: Any) -> None:
    """Write manifests for a platform from the configuration.

    PLATFORM is kubernetes, knative, cloudrun or compose.

    \b
    Examples:
      ffhost export kubernetes | kubectl apply -f -
      ffhost export kubernetes --out deploy/base --image functions:1.4
      ffhost export knative --split --out deploy
      ffhost export compose --out .
    """
    from ffhost.cli.options import echo_unseen_names
    from ffhost.cli.portable_sources import portable_command_sources
    from ffhost.config import load_config
    from ffhost.deploy.manifests import export_manifests

    given = portable_command_sources(given_options)
    config = load_config(given)
    echo_unseen_names(config)
    options = _options(platform, config, given_options)
    app = _built_app(config.base.absolute(), Path.cwd() / (given_options["out"] or "."))
    exported = export_manifests(platform, config, given, options, app=app)
    for note in exported.notes:
        click.echo(f"note: {note}", err=True)
    out = given_options["out"]
    if out is None:
        click.echo(exported.stream, nl=False)
        return
    from ffhost.cli.commands.build import print_build_report
    from ffhost.deploy.app import write_app_folder
    from ffhost.deploy.manifests import MANIFEST

    files = {name: text.encode() for name, text in exported.files.items()}
    written = write_app_folder(
        Path.cwd() / out, files, manifest=MANIFEST, force=given_options["force"], shown=out
    )
    print_build_report(out, written)


def _built_app(base: Path, out: Path) -> str:
    """Return the folder that ``ffhost build`` wrote, as seen from *out*; ``build`` if none."""
    from ffhost.deploy.app.app_files import MANIFEST

    built = [each.parent for each in sorted(base.glob(f"*/{MANIFEST}"))]
    folder = built[0] if built else base / "build"
    return os.path.relpath(folder, out)


def _options(platform: str, config: LoadedConfig, given: dict[str, Any]) -> ManifestOptions:
    from ffhost.cli.exit_messages import WrongCommandUse
    from ffhost.deploy.manifests import ManifestOptions, image_name, kubernetes_label

    if given["split"] and platform == "compose":
        raise WrongCommandUse("--split needs a gateway in front, which Compose does not have")
    if given["split"] and not config.has_file:
        raise WrongCommandUse(
            "--split is for a configuration with several functions", "name it with -c"
        )
    fewest, most = given["min_replicas"], given["max_replicas"]
    if fewest > most:
        raise WrongCommandUse(f"--min-replicas {fewest} is more than --max-replicas {most}")
    if given["service_monitor"] and platform != "kubernetes":
        raise WrongCommandUse("--service-monitor is for kubernetes")
    if given["service_monitor"] and not config.settings.admin.enabled:
        hint = "write 'admin: {enabled: true}'"
        raise WrongCommandUse(
            "metrics are served on the admin listener, which is switched off", hint
        )
    if "/" not in given["ingress"]:
        raise WrongCommandUse(f"--ingress takes NAMESPACE/NAME, got {given['ingress']!r}")
    name = kubernetes_label(given["name"] or config.base.resolve().name)
    if given["name"] and name != given["name"]:
        raise WrongCommandUse(
            f"{given['name']!r} cannot name Kubernetes objects", f"write --name {name}"
        )
    return ManifestOptions(
        name=name,
        image=given["image"] or (f"{name}:latest" if given["name"] else image_name(config)),
        namespace=given["namespace"],
        replicas=(fewest, most),
        split=given["split"],
        service_monitor=given["service_monitor"],
        gateway=given["gateway"],
        hostnames=given["hostnames"],
        ingress=given["ingress"],
    )
