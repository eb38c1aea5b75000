"""Registers a whole stack: provider, planned gateways, their companions, rendered files."""

import atexit
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, Secret
from pydantic.alias_generators import to_camel

from gateway_components import strict_yaml
from gateway_components.api.meta import own_annotations
from gateway_components.components.gateway import Gateway
from gateway_components.components.naming import component_type, other_type
from gateway_components.components.objects import GatewayOutputs, Registration
from gateway_components.components.provider import PACKAGE, rendered_path
from gateway_components.errors import InputError
from gateway_components.identity import Identity
from gateway_components.kubeconfig import ClusterContext, Kubeconfig, cluster_context, kubeconfig_text
from gateway_components.plan.objects import GatewayObjects

_HONOURED = ("context", "kubeconfig")
_OTHERS = (
    "alwaysRender",
    "cluster",
    "clusterIdentifier",
    "deleteUnreachable",
    "enableConfigMapMutable",
    "enablePatchForce",
    "enableReplaceCRD",
    "enableSecretMutable",
    "enableServerSideApply",
    "helmReleaseSettings",
    "kubeClientSettings",
    "namespace",
    "renderYamlToDirectory",
    "skipUpdateUnreachable",
    "strictMode",
    "suppressDeprecationWarnings",
    "suppressHelmHookWarnings",
    "upsertExistingObjects",
)
"""Settings of Pulumi's default provider that a stack's own provider does not honour."""

_PROVIDERS_COPY = re.compile(r"kubeconfig\d+")


def stack_provider(
    config: pulumi.Config, folder: Path, render_to: str | None = None, used: Sequence[str] = ()
) -> Provider:
    """Register the provider of a stack, and name its cluster in the output of each run.

    Parameters
    ----------
    config
        Configuration of the stack. ``context`` and ``kubeconfig`` name the cluster, as do ``kubernetes:context`` and
        ``kubernetes:kubeconfig``. By default, it is the current context of the ambient kubeconfig.
    folder
        Folder of the project, which relative paths begin at.
    render_to
        Folder to render YAML into instead of applying it to a cluster.
    used
        Further settings of Pulumi's own that the stack honours itself.

    Raises
    ------
    pulumi.RunError
        The configuration is invalid; nothing is registered.
    """
    own = pulumi.Config(PACKAGE)
    faults = [
        f"configuration {own.full_key(key)} does not reach the provider of this stack; remove it"
        for key in _OTHERS
        if key not in used and own.get(key) is not None
    ]
    chosen = {key: _chosen(config, own, key, faults) for key in _HONOURED}
    if render_to and any(chosen.values()):
        message = f"configuration {config.full_key('renderTo')} writes files in place of a cluster"
        faults.append(f"{message}; remove it, or the kubeconfig and the context")
    if faults:
        raise pulumi.RunError("\n".join(["nothing was changed:", *faults]))
    if render_to:
        pulumi.info(f"cluster: none; the objects are written into {render_to}")
        return _provider(render_yaml_to_directory=str(folder / render_to), kubeconfig="")
    kubeconfig = kubeconfig_text(chosen["kubeconfig"], folder) if chosen["kubeconfig"] else ""
    pulumi.info(f"cluster: {_named(kubeconfig, chosen['context'])}")
    if kubeconfig:
        atexit.register(_remove_copies, kubeconfig, frozenset(_copies()))
    return _provider(
        # Empty, or the SDK would pass $KUBECONFIG and the provider leave a copy of its credentials in the temporary
        # folder on each run. The provider reads the environment itself.
        kubeconfig=pulumi.Output.secret(kubeconfig) if kubeconfig else "",
        context=chosen["context"] or None,
        # Fixed, or a new address of the same cluster would replace every object.
        cluster_identifier="cluster",
    )


def _provider(**settings: Any) -> Provider:
    return Provider(PACKAGE, enable_config_map_mutable=True, enable_secret_mutable=True, **settings)


def _chosen(config: pulumi.Config, own: pulumi.Config, key: str, faults: list[str]) -> str:
    given, pulumis = config.get(key), own.get(key)
    if given and pulumis and given != pulumis:
        names = f"{config.full_key(key)} and {own.full_key(key)}"
        faults.append(f"configuration {names} differ; remove one of them")
    return given or pulumis or ""


def _named(kubeconfig: str, context: str) -> ClusterContext:
    try:
        return cluster_context(kubeconfig, context)
    except InputError as error:
        raise pulumi.RunError(f"nothing was changed:\ncluster of this stack: {error}") from None


def _copies() -> list[Path]:
    return [
        file
        for file in Path(tempfile.gettempdir()).glob("kubeconfig*")
        if _PROVIDERS_COPY.fullmatch(file.name)
    ]


def _remove_copies(kubeconfig: str, before: frozenset[Path]) -> None:
    """Remove the copies that the provider made of a given kubeconfig, for a feature that no stack of ours uses."""
    servers = _servers(Kubeconfig.of(kubeconfig))
    for file in _copies():
        try:
            if file not in before and _servers(Kubeconfig.of_files([file])) == servers:
                file.unlink()
        except (OSError, InputError):
            continue  # somebody else's


def _servers(kubeconfig: Kubeconfig) -> set[tuple[str, str]]:
    return {(name, cluster.text("server")) for name, cluster in kubeconfig.clusters.items()}


_MANAGED_BY = {"app.kubernetes.io/managed-by": "pulumi"}
"""Label that the provider adds to each object."""

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


class RenderedFolder:
    """Writes the files that are missing from a provider's folder, or differ there, as soon as the provider is done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[tuple[pulumi.Resource, Mapping[str, Any]]] = []

    def watch(self) -> None:
        """Note each object of Kubernetes that the program registers from now on."""
        pulumi.runtime.register_stack_transformation(self._note)

    def complete(self) -> None:
        """Write what the folder lacks of the noted objects; a preview writes nothing.

        Raises pulumi.RunError: inside an Output: a file cannot be written.
        """
        if pulumi.runtime.is_dry_run():
            return
        for resource, properties in self._made:
            pulumi.Output.all(resource.urn, properties).apply(lambda known: self._write(known[1]))

    def _note(self, args: pulumi.ResourceTransformationArgs) -> None:
        if args.type_.startswith("kubernetes:"):
            self._made.append((args.resource, dict(args.props)))

    def _write(self, properties: Mapping[str, Any]) -> None:
        manifest = {to_camel(name): part for name, part in properties.items() if part is not None}
        metadata = dict(manifest["metadata"])
        metadata["labels"] = {**(metadata.get("labels") or {}), **_MANAGED_BY}
        manifest["metadata"] = metadata
        path = rendered_path(self._folder, manifest)
        try:
            if not _holds(path, manifest):
                path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
                path.touch(mode=_FILE_MODE)
                path.write_text(strict_yaml.dump(manifest), encoding="utf-8")
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror}; make room for it, and run this again"
            raise pulumi.RunError(message) from None


def _holds(path: Path, manifest: Mapping[str, Any]) -> bool:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except (FileNotFoundError, ValueError, RecursionError, yaml.YAMLError):
        return False
    return bool(found == manifest)


def planned_gateway(
    key: Identity,
    objects: GatewayObjects,
    how: Registration | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> Gateway:
    """Register a planned gateway, and each route that it serves as a component below it (`route_name`)."""
    outputs = GatewayOutputs(objects, objects, objects.servers)
    # A gateway whose kind changes keeps its objects.
    former = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=other_type(key))])
    options = pulumi.ResourceOptions.merge(former, opts)
    return Gateway(component_type(key), key.namespaced_name, outputs, how or Registration(), options)


def namespace(manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> Namespace:
    """Register a Namespace. It outlives the stack: deleting it would delete whatever else lives in it."""
    metadata = manifest["metadata"]
    kept = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
    return Namespace(metadata["name"], kept, metadata=metadata)


def companion(manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> ConfigMap | Secret:
    """Register a ConfigMap or a Secret as its manifest describes it; values of a Secret stay encrypted in state."""
    metadata = manifest["metadata"]
    if manifest["kind"] == "Secret" and metadata.get("annotations"):
        metadata = {**metadata, "annotations": own_annotations(metadata)}
    name = f"{metadata['namespace']}/{metadata['name']}"
    immutable = manifest.get("immutable")
    if manifest["kind"] == "ConfigMap":
        data, binary_data = manifest.get("data"), manifest.get("binaryData")
        return ConfigMap(
            name, opts, metadata=metadata, data=data, binary_data=binary_data, immutable=immutable
        )
    return Secret(
        name,
        opts,
        metadata=metadata,
        data=_hidden(manifest.get("data")),
        string_data=_hidden(manifest.get("stringData")),
        type=manifest.get("type"),
        immutable=immutable,
    )


def _hidden(values: Any) -> Any:
    return None if values is None else pulumi.Output.secret(values)
