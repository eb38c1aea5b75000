"""Findings of a plan on the gateways and routes of manifest files, with the line of each field."""

from collections.abc import Collection, Iterator

from gateway_components import documents
from gateway_components.crds.problem import Severity, dotted
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.manifests.fields import path_of
from gateway_components.manifests.load import Finding, Located
from gateway_components.manifests.objects import ManifestObjects
from gateway_components.manifests.related import (
    is_absent,
    places,
    related_to_gateway,
    related_to_route,
)
from gateway_components.plan.failure import Failure, PlanWarning, WarningReason
from gateway_components.plan.keys import ObjectKey
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.litellm_schema import unknown_keys
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.plan import GatewayPlan, Plan, gateway_key
from gateway_components.plan.references import gateway_of_route, patch_reference
from gateway_components.plan.routes import RoutePlan, route_key
from gateway_components.plan.snapshot import Gateway, Snapshot

__all__ = ["plan_findings"]

_FILES_ALONE = "only the given files are looked at"


def plan_findings(objects: ManifestObjects, snapshot: Snapshot, planned: Plan) -> Iterator[Finding]:
    """Yield an error for each failure, and a warning for what is left out or not done as asked."""
    for key, gateway in objects.gateways.items():
        found = planned.gateways.get(gateway_key(gateway))
        if found is None:
            yield _unclaimed(gateway, objects.sources[key], snapshot)
        else:
            yield from _gateway(found, gateway, objects)
    for key, route in objects.of(ToolRoute).items():
        yield from _route(route, objects.sources[key], objects, planned)


def _gateway(found: GatewayPlan, gateway: Gateway, objects: ManifestObjects) -> Iterator[Finding]:
    located = objects.sources[_object_key(found)]
    for cause in _causes(found):
        if cause.reason != WarningReason.CONFIG_KEY_UNKNOWN:
            yield _finding(located, cause, related_to_gateway(gateway, cause.field, objects), objects)
    if any(warning.reason == WarningReason.CONFIG_KEY_UNKNOWN for warning in found.warnings):
        yield from _unknown_keys(found, gateway, objects)


def _route(route: ToolRoute, located: Located, objects: ManifestObjects, planned: Plan) -> Iterator[Finding]:
    found = planned.routes.get(route_key(route))
    field = "spec.toolGatewayRef"
    if found is None:
        message = f"{gateway_of_route(route)} belongs to another controller; the route is left out"
        yield located.finding(path_of(field), field, message, severity="warning")
    elif found.gateway is None:
        message = "the route names no gateway, so none serves it"
        yield located.finding(path_of(field), field, message, "name a ToolGateway", severity="warning")
    else:
        for cause in _causes(found):
            yield _finding(located, cause, related_to_route(route, cause.field, planned), objects)


def _causes(found: GatewayPlan | RoutePlan) -> tuple[Failure | PlanWarning, ...]:
    return (found.failure, *found.warnings) if found.failure else found.warnings


def _finding(
    located: Located, cause: Failure | PlanWarning, related: Collection[ObjectKey], objects: ManifestObjects
) -> Finding:
    where = places(related, objects)
    message = f"{cause.message} ({where})" if where else cause.message
    cure = f"{cause.cure}; {_FILES_ALONE}" if is_absent(related, objects) else cause.cure
    severity: Severity = "error" if isinstance(cause, Failure) else "warning"
    return located.finding(path_of(cause.field), cause.field, message, cure, severity)


def _unknown_keys(found: GatewayPlan, gateway: Gateway, objects: ManifestObjects) -> Iterator[Finding]:
    """Yield a warning for each key that LiteLLM does not know, in the patch that holds it."""
    reference = patch_reference(gateway)
    if reference is None or found.objects is None:
        return
    located = objects.sources.get(ObjectKey(reference.kind, reference.namespace, reference.name))
    if located is None:
        return  # The patch is on the cluster, where no line of a file leads.
    path = ("data", PATCH_KEY)
    (patch,) = documents.parse_all(objects.contents[reference].data[PATCH_KEY])
    for unknown in unknown_keys(documents.parse(found.objects.config_map["data"]["config.yaml"])):
        message = f"{dotted(unknown.path)} {unknown.message} (patch of {found.key})"
        line = located.line_in(path, patch.line_of(unknown.path))
        yield located.finding(path, dotted(path), message, unknown.cure, "warning", line=line)


def _unclaimed(gateway: Gateway, located: Located, snapshot: Snapshot) -> Finding:
    kind = GATEWAY_KINDS[gateway.kind]
    field, name = f"spec.{kind.class_field}", gateway.spec.class_name
    classes = [known for known in snapshot.classes if known.kind == kind.class_kind]
    if any(known.metadata.name == name for known in classes):
        message = f"class {name} belongs to another controller; the gateway is left out"
        return located.finding(path_of(field), field, message, severity="warning")
    message = (
        f"there is no class {name}"
        if name
        else "the gateway names no class, and no class of ours is the default"
    )
    ours = sorted(known.metadata.name for known in classes if known.spec.controller == kind.controller)
    cure = f"name one of: {', '.join(ours)}" if ours else f"add a class of {kind.controller}"
    return located.finding(path_of(field), field, message, cure)


def _object_key(found: GatewayPlan) -> ObjectKey:
    return ObjectKey(found.key.kind, found.key.namespace, found.key.name)
