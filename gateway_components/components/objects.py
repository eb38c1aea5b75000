"""The three Kubernetes resources of a gateway as Pulumi resources."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Service

from gateway_components.components.inputs import resolved
from gateway_components.plan.objects import GatewayObjects


@dataclass(frozen=True, slots=True)
class GatewayOutputs:
    """The objects of a gateway, twice: what is known early and not secret, and in full.

    Values that are known at once are no Outputs, so that a program's transformations see plain values.

    Attributes
    ----------
    outline
        Complete for the ConfigMap, the Service and the metadata of the Deployment, which depend on nothing else.
    full
        Complete for the Deployment's spec, which may wait for a variable or be secret because of one.
    servers
        Key in ``mcp_servers`` of each route that it serves, by a name that is unique among them.
    namespace
        Overrides the namespace in the objects' metadata; None where that is right.
    """

    outline: GatewayObjects | pulumi.Output[GatewayObjects]
    full: GatewayObjects | pulumi.Output[GatewayObjects]
    servers: Mapping[str, str | pulumi.Output[str]] = field(default_factory=dict)
    namespace: str | pulumi.Output[str] | None = None


MADE_BY = "runtime.agentic-layer.ai/component.rename-with-aliases"
"""Annotation that names the component which created an object.

Another component would apply another value with another field manager, so server-side apply reports a conflict before
anything is deleted. The conflict shows the annotation's name alone, so the name says what to do.
"""

_FIELD_MANAGER = "pulumi-kubernetes-"
"""Prefix of the field managers that the provider generates, one for each resource."""

_Part = Literal["config_map", "deployment", "service"]


@dataclass(frozen=True, slots=True)
class Registration:
    """How resources are registered: with annotations for the provider on all three, and options beside their parent.

    Objects that are `marked` name their component, so that no other one takes them over before the engine deletes them.
    """

    annotations: Mapping[str, str] = field(default_factory=dict)
    marked: bool = True
    options: pulumi.ResourceOptions = field(default_factory=pulumi.ResourceOptions)


def register(
    name: str,
    outputs: GatewayOutputs,
    parent: pulumi.Resource,
    how: Registration,
    above: pulumi.Resource | None,
) -> tuple[ConfigMap, Deployment, Service]:
    """Register the objects of a gateway below its component `parent`, each under the resource name `name`.

    The ConfigMap comes first: pods mount it, and a conflict on it stops the run before anything else is created.
    `above` is the parent of the component; None for the stack.
    """
    known = {**how.annotations, **(mark(parent, above) if how.marked else {})}
    exact = {**known, MADE_BY: _urn(parent)} if how.marked and above is not None else known
    options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=parent), how.options)

    def part(source: GatewayObjects | pulumi.Output[GatewayObjects], kind: _Part, key: str) -> Any:
        # A copy, for transformations change maps in place.
        return resolved(source, lambda known: copy.deepcopy(getattr(known, kind)[key]))

    def metadata(kind: _Part, annotations: Mapping[str, Any]) -> Any:
        made = resolved(
            outputs.outline,
            lambda made: _annotated(copy.deepcopy(getattr(made, kind)["metadata"]), annotations),
        )
        if outputs.namespace is None:
            return made
        return (
            pulumi.Output.all(made, outputs.namespace).apply(
                lambda parts: {**parts[0], "namespace": parts[1]}
            )
            if isinstance(made, pulumi.Output)
            else {**made, "namespace": outputs.namespace}
        )

    def aliased(type_: str, other: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(other, pulumi.ResourceOptions(aliases=_former(parent, type_)))

    config_map = ConfigMap(
        name,
        metadata=metadata("config_map", exact),
        data=part(outputs.outline, "config_map", "data"),
        opts=aliased("kubernetes:core/v1:ConfigMap", options),
    )
    after = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[config_map]))
    deployment = Deployment(
        name,
        metadata=metadata("deployment", known),
        spec=part(outputs.full, "deployment", "spec"),
        opts=aliased("kubernetes:apps/v1:Deployment", after),
    )
    service = Service(
        name,
        metadata=metadata("service", known),
        spec=part(outputs.outline, "service", "spec"),
        opts=aliased("kubernetes:core/v1:Service", after),
    )
    return config_map, deployment, service


def mark(component: pulumi.Resource, parent: pulumi.Resource | None) -> dict[str, str]:
    """Return the annotation that names a component; for a deeply nested one, as much as is known at once."""
    types = [component.pulumi_resource_type]
    if parent is not None and parent is not pulumi.runtime.get_root_resource():
        types.insert(0, parent.pulumi_resource_type)
    where = f"{pulumi.get_stack()}::{pulumi.get_project()}"
    return {MADE_BY: f"urn:pulumi:{where}::{'$'.join(types)}::{component.pulumi_resource_name}"}


def _former(component: pulumi.Resource, type_: str) -> list[pulumi.Input[str | pulumi.Alias]]:
    """Return the former URNs of an object of a component, derived from the component's aliases.

    The engine does so itself, but not once the state knows the component by its new name, as after a refused run.
    """

    def below(urn: str) -> str:
        head, _, name = urn.rpartition("::")
        return f"{head}${type_}::{name}"

    return [pulumi.Output.from_input(urn).apply(below) for urn in vars(component).get("_aliases", ())]


def warn_of_namesake(component: str, config_map: ConfigMap) -> None:
    """Warn in a preview that the update will be refused, because another Pulumi resource owns the ConfigMap.

    A preview shows no conflict by itself, but it has the `managedFields` of the API server.
    """
    if not pulumi.runtime.is_dry_run():
        return

    def check(known: Sequence[Any]) -> None:
        entries, is_made = known
        managers = {entry.get("manager") for entry in entries or () if entry.get("operation") == "Apply"}
        of_pulumi = [name for name in managers if str(name).startswith(_FIELD_MANAGER)]
        if not is_made and len(of_pulumi) > 1:
            pulumi.warn(
                f"{component}: another component, of this stack or of another one, has made the objects of this "
                "gateway, so the update will be refused. If this component was renamed, give it "
                'opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="FORMER")]); if it was moved, '
                "pulumi.Alias(parent=FORMER), which is pulumi.ROOT_STACK_RESOURCE for one that had no parent"
            )

    is_made: Any = config_map.id.is_known()
    pulumi.Output.all(config_map.metadata.managed_fields, is_made).apply(check)


def _urn(component: pulumi.Resource) -> pulumi.Output[str]:
    # Without the component as a dependency: that would be one on everything below it.
    urn: Any = component.urn.future()
    return pulumi.Output.from_input(urn)


def _annotated(metadata: Mapping[str, Any], annotations: Mapping[str, Any]) -> Mapping[str, Any]:
    if not annotations:
        return metadata
    return {**metadata, "annotations": {**metadata.get("annotations", {}), **annotations}}
