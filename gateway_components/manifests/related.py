"""The objects that a finding is about beside the gateway or route itself, and where they stand."""

from collections.abc import Collection

from gateway_components import documents
from gateway_components.crds.guard import Guard
from gateway_components.crds.problem import Path
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.errors import YamlError
from gateway_components.manifests.fields import path_of
from gateway_components.manifests.objects import ManifestObjects
from gateway_components.plan.conflicts import wanted_objects
from gateway_components.plan.keys import ObjectKey, Reference
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.plan import Plan, gateway_key
from gateway_components.plan.references import (
    gateway_of_route,
    named,
    patch_reference,
    provider_reference,
    server_reference,
)
from gateway_components.plan.routes import route_key
from gateway_components.plan.snapshot import Gateway

__all__ = ["is_absent", "places", "related_to_gateway", "related_to_route"]

_NAME: Path = ("metadata", "name")


def related_to_gateway(gateway: Gateway, field: str, objects: ManifestObjects) -> tuple[ObjectKey, ...]:
    """Return the objects that `field` of a gateway names, directly or through a Guard, or that its name is about."""
    match path_of(field):
        case ("metadata", "annotations", _):
            return _keys(patch_reference(gateway))
        case ("metadata", "name"):
            rivals = [
                ObjectKey(kind, gateway.metadata.namespace or "", gateway.metadata.name)
                for kind in GATEWAY_KINDS
            ]
            wanted = (*rivals, *wanted_objects(gateway_key(gateway)))
            return tuple(key for key in wanted if key in objects.sources and key.kind != gateway.kind)
        case ("spec", "guardrails", int(position), *_):
            reference = gateway.spec.guardrails[position]
            if reference.kind not in (None, "", "Guard"):
                return ()
            keys = _keys(named("Guard", reference, gateway.metadata.namespace or ""))
            guards = (objects.models.get(key) for key in keys)
            providers = [provider_reference(guard) for guard in guards if isinstance(guard, Guard)]
            return (*keys, *_keys(*providers))
    return ()


def related_to_route(route: ToolRoute, field: str, planned: Plan) -> tuple[ObjectKey, ...]:
    """Return the objects that `field` of a route names, or that its name is about."""
    match path_of(field):
        case ("metadata", "name"):
            own = planned.routes[route_key(route)]
            return tuple(
                ObjectKey("ToolRoute", other.key.namespace, other.key.name)
                for other in planned.routes.values()
                if (other.gateway, other.server) == (own.gateway, own.server) and other.key != own.key
            )
        case ("spec", "upstream", "toolServerRef"):
            return _keys(server_reference(route))
        case ("spec", "toolGatewayRef"):
            gateway = gateway_of_route(route)
            return (ObjectKey(gateway.kind, gateway.namespace, gateway.name),) if gateway else ()
    return ()


def is_absent(keys: Collection[ObjectKey], objects: ManifestObjects) -> bool:
    """Tell whether one of these objects does not stand in the files."""
    return any(key not in objects.sources for key in keys)


def places(keys: Collection[ObjectKey], objects: ManifestObjects) -> str:
    """Return where those of these objects that stand in the files do; empty where none does."""
    return "; ".join(
        f"{key.kind} {key.namespace}/{key.name}: {objects.sources[key].file}:{_line(key, objects)}"
        for key in keys
        if key in objects.sources
    )


def _line(key: ObjectKey, objects: ManifestObjects) -> int:
    """Return the line where an object begins; of a patch that does not parse, the line of the fault."""
    located = objects.sources[key]
    content = objects.contents.get(Reference("ConfigMap", key.namespace, key.name))
    if key.kind == "ConfigMap" and content:
        try:
            documents.parse(content.data.get(PATCH_KEY, ""))
        except YamlError as error:
            return located.line_in(("data", PATCH_KEY), error.line)
    return located.line


def _keys(*references: Reference | None) -> tuple[ObjectKey, ...]:
    return tuple(ObjectKey(found.kind, found.namespace, found.name) for found in references if found)
