"""The Kubernetes provider of a component: its effective settings, and the files that it renders."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml

from gateway_components.components.inputs import Argument, combined, resolved
from gateway_components.errors import InputError
from gateway_components.kubeconfig import cluster_context
from gateway_components.plan.objects import GatewayObjects

PACKAGE = "kubernetes"
_MEMBER = "kubernetes:core/v1:Service"


def provider_of(opts: pulumi.ResourceOptions | None) -> pulumi.ProviderResource | None:
    """Return the provider that a component's objects will have; None for the default one."""
    if opts is None:
        return None
    single, several = opts.provider, opts.providers
    if isinstance(several, pulumi.ProviderResource):
        several = [several]
    given = (single, *(several.values() if isinstance(several, dict) else several or ()))
    own = next((one for one in given if one is not None and one.package == PACKAGE), None)
    return own or (opts.parent.get_provider(_MEMBER) if opts.parent is not None else None)


def warn_of_replacement(component: str) -> None:
    """Warn if the default provider replaces a changed ConfigMap instead of updating it.

    The SDK does not expose this setting of an explicit provider.
    """
    mutable = _default("enableConfigMapMutable") or os.environ.get("PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE")
    if mutable != "true" and not rendering_folder():
        pulumi.warn(
            f"{component}: a change of its configuration deletes the ConfigMap before creating it again, and pods that "
            f"start in between have none (pulumi config set {PACKAGE}:enableConfigMapMutable true)"
        )


def rendering_folder() -> str | None:
    """Return the folder that the default provider renders YAML into instead of applying it to a cluster."""
    return _default("renderYamlToDirectory")


def namespace_of(provider: pulumi.ProviderResource | None) -> Any:
    """Return the namespace of objects that name none, by the provider's own rules.

    It is that of the provider, else that of its context, else ``default``. An Output for an explicit `provider`; for
    the default one, None, it is known at once.
    """
    names = ("namespace", "kubeconfig", "context")
    if provider is None:
        return _namespace({name: _default(name) for name in names})
    # In a preview, the unset settings of a new provider are unknown.
    settings = combined(
        {name: setting.apply(_known, True) for name in names if (setting := vars(provider).get(name))}
    )
    return pulumi.Output.unsecret(pulumi.Output.from_input(settings).apply(_namespace))


def _known(setting: Any) -> Any:
    return None if pulumi.contains_unknowns(setting) else setting


def _default(key: str) -> str | None:
    return pulumi.Config(PACKAGE).get(key)


def _namespace(settings: Mapping[str, Any]) -> str:
    if namespace := settings.get("namespace"):
        return str(namespace)
    try:
        return cluster_context(settings.get("kubeconfig") or "", settings.get("context") or "").namespace
    except InputError:
        # The provider reports it, unless it needs no cluster.
        return "default"


def rendered_path(folder: Path, manifest: Mapping[str, Any]) -> Path:
    """Return the file that the provider writes an object to; for kinds other than a CustomResourceDefinition."""
    metadata = manifest["metadata"]
    version = manifest["apiVersion"].replace("/", "_").replace(":", "_")
    place = f"{metadata.get('namespace') or 'default'}-{metadata['name']}"
    return folder / "1-manifest" / f"{version}-{manifest['kind'].lower()}-{place}.yaml"


def refuse_taken_files(
    component: str,
    folder: Path,
    objects: GatewayObjects | pulumi.Output[GatewayObjects],
    mark: Mapping[str, str],
    namespace: str,
) -> None:
    """End the run where the files of a gateway were rendered by another component of the same stack.

    The engine would write them for the one, and then delete them for the other. `mark` is the annotation of the objects
    with their component, `namespace` that of objects that name none.

    Raises ArgsError, inside an Output where `objects` are one.
    """
    ((key, own),) = mark.items()

    def check(known: GatewayObjects) -> None:
        for manifest in known.manifests:
            metadata = {"namespace": namespace, **manifest["metadata"]}
            path = rendered_path(folder, {**manifest, "metadata": metadata})
            found = _annotation(path, key)
            if found != own and found.startswith(own[: own.index("::", own.index("::") + 2) + 2]):
                cure = (
                    "if that is the former name of this component, say so with aliases; else remove the file"
                )
                raise Argument(component).fault(f"{path} was rendered by {found}", cure)

    resolved(objects, check)


def _annotation(path: Path, key: str) -> str:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        return str(found["metadata"]["annotations"][key])
    except (OSError, ValueError, RecursionError, LookupError, TypeError, yaml.YAMLError):
        return ""
