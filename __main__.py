"""The Pulumi program: the gateways and routes in the manifest files that the stack's configuration names.

Configuration (``pulumi config set gateways:KEY VALUE``):

``manifests``
    A file or folder, or a list of them, relative to this folder.
``namespace``
    Namespace of objects that name none; ``default`` where left out.
``renderTo``
    Folder to write YAML into; no cluster is needed or touched then. Secrets among the manifests are written there
    as they are.
``install``
    In place of all that: install the daemon, which reconciles custom resources; see ``stacks/Pulumi.operator.yaml``.

Outputs: ``urls`` of the gateways and ``routeUrls`` of the ToolRoutes, each by ``NAMESPACE/NAME``.
"""

import json
import os
import signal
from pathlib import Path

import pulumi
import pulumi_kubernetes

from gateway_components.components.companions import companion
from gateway_components.components.naming import component_name
from gateway_components.components.objects import Registration
from gateway_components.components.planned import planned_gateway
from gateway_components.manifests.stack import ManifestStack, read_stack

HERE = Path(__file__).parent


def main() -> None:
    """Register an installation of the daemon, or the gateways of manifests, as the configuration asks for."""
    # The engine interrupts the program when the cluster refuses an object and says why by itself; without this,
    # Python would add a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    config = pulumi.Config("gateways")
    install = config.get_object("install")
    if install is None:
        apply_manifests(config)
    else:
        # The other stacks need no module of the installation.
        from gateway_components.install.stack import install_daemon  # noqa: PLC0415

        install_daemon(install, config.full_key("install"))


def apply_manifests(config: pulumi.Config) -> None:
    """Register what the manifests ask for and export the URL of each gateway and each route."""
    stack = read_stack(manifest_paths(config), config.get("namespace") or "default")
    refuse_faults(stack)
    render_to = config.get("renderTo")
    provider = pulumi_kubernetes.Provider(
        "kubernetes",
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        render_yaml_to_directory=str(HERE / render_to) if render_to else None,
        # Empty, or the SDK would hand over $KUBECONFIG: the provider would refuse to render, and else leave a copy
        # of the credentials in the temporary folder at each run. It reads its own environment.
        kubeconfig="",
    )
    options = pulumi.ResourceOptions(provider=provider)
    companions = [companion(manifest, options) for manifest in stack.companions]
    how = Registration(options=pulumi.ResourceOptions(provider=provider, depends_on=companions))
    gateways = {
        component_name(key): planned_gateway(key, gateway.objects, how, options, stack.routes_of(key))
        for key, gateway in stack.plan.gateways.items()
        if gateway.objects is not None
    }
    pulumi.export("urls", {name: gateway.url for name, gateway in gateways.items()})
    routes = {name: route for gateway in gateways.values() for name, route in gateway.routes.items()}
    pulumi.export("routeUrls", {name: route.url for name, route in routes.items()})


def manifest_paths(config: pulumi.Config) -> list[Path]:
    """Return the configured files and folders, as paths that messages can show.

    Raises
    ------
    pulumi.RunError
        The configuration names none, or is neither text nor a list of texts.
    """
    text = config.require("manifests")
    try:
        value = json.loads(text)
    except ValueError:
        value = text  # a single path, which Pulumi hands over as it is
    names = value if isinstance(value, list) else [value]
    if not names or not all(name and isinstance(name, str) for name in names):
        message = f"configuration {config.full_key('manifests')} is {text}: name a file or folder, or a list of them"
        raise pulumi.RunError(message)
    return [Path(os.path.relpath(HERE / name)) for name in names]


def refuse_faults(stack: ManifestStack) -> None:
    """Show every warning, and end the run before anything is registered where there is an error.

    Raises
    ------
    pulumi.RunError
        There is one; the text holds one line for each, with file, line, field and cure.
    """
    for finding in stack.findings:
        if finding not in stack.errors:
            pulumi.warn(str(finding))
    if stack.errors:
        raise pulumi.RunError("\n".join(["nothing was changed:", *map(str, stack.errors)]))


main()
