"""The Pulumi program: the gateways and routes in the manifest files that the stack's configuration names.

Configuration (``pulumi config set gateways:KEY VALUE``):

``manifests``
    A file or folder, or a list of them, relative to this folder.
``namespace``
    Namespace of objects that name none; else ``kubernetes:namespace``, else ``default``.
``crossNamespace``
    Whether objects may refer to those of other namespaces; ``true`` where left out.
``allowedUpstreams``
    List of hosts, addresses and networks that may be called although they are loopback, link-local or metadata
    addresses.
``gatewayImage``
    Image of the gateways whose class names none, with its tag or digest.
``context``, ``kubeconfig``
    The cluster: a context, and the content or path of a kubeconfig (content with ``--secret``). Pulumi's own
    ``kubernetes:context`` and ``kubernetes:kubeconfig`` do as well. Where nothing is said, it is the current context
    of ``$KUBECONFIG``, or of ``~/.kube/config``. Each run names the cluster.
``renderTo``
    Folder to write YAML into; no cluster is needed or touched then. After each run it holds every object, whatever
    was there before. Secrets among the manifests are written there as they are.
``install``
    In place of all that: install the daemon, which reconciles custom resources; see ``stacks/Pulumi.operator.yaml``.

Outputs: ``urls`` of the gateways and ``routeUrls`` of the ToolRoutes, each by ``NAMESPACE/NAME``.
"""

import json
import os
import signal
from pathlib import Path

import pulumi

from gateway_components.components.objects import Registration
from gateway_components.components.stack import (
    RenderedFolder,
    companion,
    namespace,
    planned_gateway,
    stack_provider,
)
from gateway_components.manifests.stack import ManifestStack, read_stack
from gateway_components.plan.claims import image_fault
from gateway_components.plan.snapshot import IMAGE, Policy
from gateway_components.plan.urls import allowed_upstream_fault

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
        from gateway_components.install.stack import install_daemon, read_installation  # noqa: PLC0415

        installation = read_installation(install, config.full_key("install"))
        install_daemon(installation, stack_provider(config, HERE))


def apply_manifests(config: pulumi.Config) -> None:
    """Register what the manifests ask for and export the URL of each gateway and each route."""
    namespaced = config.get("namespace") or pulumi.Config("kubernetes").get("namespace") or "default"
    stack = read_stack(manifest_paths(config), namespaced, policy(config))
    refuse_faults(stack)
    render_to = config.get("renderTo")
    rendered = RenderedFolder(HERE / render_to) if render_to else None
    if rendered:
        rendered.watch()
    provider = stack_provider(config, HERE, render_to, used=["namespace"])
    options = pulumi.ResourceOptions(provider=provider)
    namespaces = [namespace(manifest, options) for manifest in stack.namespaces]
    options = pulumi.ResourceOptions(provider=provider, depends_on=namespaces)
    companions = [companion(manifest, options) for manifest in stack.companions]
    how = Registration(
        options=pulumi.ResourceOptions(provider=provider, depends_on=[*namespaces, *companions]),
        marked=not render_to,
    )
    gateways = {
        key.namespaced_name: planned_gateway(key, gateway.objects, how, options)
        for key, gateway in stack.plan.gateways.items()
        if gateway.objects is not None
    }
    if rendered:
        rendered.complete()
    pulumi.export("urls", {name: gateway.url for name, gateway in gateways.items()})
    routes = {name: route for gateway in gateways.values() for name, route in gateway.routes.items()}
    pulumi.export("routeUrls", {name: route.url for name, route in routes.items()})


def manifest_paths(config: pulumi.Config) -> list[Path]:
    """Return the configured files and folders, as paths that messages can show.

    Raises pulumi.RunError: the configuration names none, or is neither text nor a list of texts.
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


def policy(config: pulumi.Config) -> Policy:
    """Return what the configuration decides for all objects.

    Raises pulumi.RunError: a value is no boolean, no list of hosts, addresses and networks, or no reference to an
    image.
    """
    key = config.full_key("allowedUpstreams")
    upstreams = config.get_object("allowedUpstreams") or []
    if not isinstance(upstreams, list):
        raise pulumi.RunError(f"configuration {key} is no list: write one host, address or network a line")
    for entry in upstreams:
        fault = allowed_upstream_fault(str(entry))
        if fault:
            raise pulumi.RunError(f"configuration {key}: an entry {fault.message}. {fault.cure}")
    cross_namespace = config.get_bool("crossNamespace")
    image = config.get("gatewayImage") or IMAGE
    if fault := image_fault(image):
        raise pulumi.RunError(
            f"configuration {config.full_key('gatewayImage')} {fault.message}. {fault.cure}"
        )
    return Policy(cross_namespace is not False, tuple(map(str, upstreams)), image)


def refuse_faults(stack: ManifestStack) -> None:
    """Show every warning, and end the run before anything is registered where there is an error.

    Raises pulumi.RunError: there is one; the text holds one line for each, with file, line, field and cure.
    """
    for finding in stack.findings:
        if finding not in stack.errors:
            pulumi.warn(finding.unrated)  # Pulumi says that it is a warning
    if stack.errors:
        raise pulumi.RunError("\n".join(["nothing was changed:", *map(str, stack.errors)]))


main()
