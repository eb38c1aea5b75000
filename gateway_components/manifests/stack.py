"""From manifest files to a plan: the same decisions as the daemon's, with no cluster."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway_components import strict_yaml
from gateway_components.api.gateways import AiGatewayClass, ToolGateway, ToolGatewayClass
from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.api.spelling import meant_name, nearest
from gateway_components.api.syntax import shown
from gateway_components.api.tools import ToolRoute
from gateway_components.errors import Finding, Severity
from gateway_components.identity import Identity
from gateway_components.manifests.load import FileFinding, Located, load
from gateway_components.manifests.objects import ManifestObjects, read_objects, snapshot_of
from gateway_components.plan.claims import meant_class, meant_controller, nobody_claims
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.plan import GatewayPlan, Plan, plan
from gateway_components.plan.references import gateway_of_route
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Gateway, GatewayClass, Policy, Snapshot

_FILES_ALONE = "only the given files are looked at"
_PATCH = ("data", PATCH_KEY)


def all_findings(objects: ManifestObjects, snapshot: Snapshot, planned: Plan) -> tuple[FileFinding, ...]:
    """Return all that is wrong, or left out or not done as asked, in the order of files and lines."""
    findings = (*objects.findings, *_plan_findings(objects, snapshot, planned))
    return tuple(sorted(findings, key=lambda finding: (finding.file, finding.line)))


def _plan_findings(objects: ManifestObjects, snapshot: Snapshot, planned: Plan) -> Iterator[FileFinding]:
    yield from _classes(objects)
    for key, gateway in objects.gateways.items():
        found = planned.gateways.get(key)
        if found is None:
            yield objects.sources[key].finding(_unclaimed(gateway, snapshot))
        else:
            yield from _gateway(found, objects)
    for key, route in objects.of(ToolRoute).items():
        yield from _route(route, objects.sources[key], objects, planned)


def _classes(objects: ManifestObjects) -> Iterator[FileFinding]:
    """Yield an error for each class that was meant to be ours: all its gateways would be left out."""
    kinds = {kind.class_kind: kind for kind in GATEWAY_KINDS.values()}
    classes: dict[Identity, GatewayClass] = {
        **objects.of(AiGatewayClass),
        **objects.of(ToolGatewayClass),
    }
    for key, known in classes.items():
        meant = meant_controller(kinds[key.kind], known.spec.controller)
        if meant:
            message = (
                f"{shown(known.spec.controller)} is no controller, so nobody runs the gateways of this class"
            )
            finding = Finding(("spec", "controller"), message, f"did you mean {meant}?")
            yield objects.sources[key].finding(finding)


def _gateway(found: GatewayPlan, objects: ManifestObjects) -> Iterator[FileFinding]:
    patches: dict[Identity, strict_yaml.Document] = {}
    for finding in _findings(found):
        inside = finding.inside
        # A patch on the cluster has no line in a file; if one does not parse, the gateway fails as well.
        if inside and not inside.line and finding.related and finding.related[0] in objects.sources:
            (reference,) = finding.related
            if reference not in patches:
                (patches[reference],) = strict_yaml.parse_all(objects.contents[reference].data[PATCH_KEY])
            source = objects.sources[reference]
            line = source.line_in(_PATCH, patches[reference].line_of(inside.path))
            message = f"{finding.message} (patch of {found.key})"
            yield source.finding(replace(finding, path=_PATCH, message=message, inside=None), line=line)
        else:
            yield _located(finding, objects.sources[found.key], objects)


def _route(
    route: ToolRoute, located: Located, objects: ManifestObjects, planned: Plan
) -> Iterator[FileFinding]:
    found = planned.routes.get(route.identity)
    path = ("spec", "toolGatewayRef")
    if found is None:
        message, cure, severity = _elsewhere(route, objects)
        yield located.finding(Finding(path, message, cure, severity))
    elif found.gateway is None:
        message = "the route names no gateway, so none serves it"
        yield located.finding(Finding(path, message, "name a ToolGateway", "warning"))
    else:
        for finding in _findings(found):
            yield _located(finding, located, objects)


def _findings(found: GatewayPlan | RoutePlan) -> tuple[Finding, ...]:
    return (*(found.failure.findings if found.failure else ()), *found.warnings)


def _located(finding: Finding, located: Located, objects: ManifestObjects) -> FileFinding:
    """Return a finding that says where the objects are that it is about, or that the files lack one."""
    places = "; ".join(
        f"{key}: {objects.sources[key].file}:{_line(key, finding, objects.sources[key])}"
        for key in finding.related
        if key in objects.sources
    )
    message = f"{finding.message} ({places})" if places else finding.message
    is_absent = any(key not in objects.sources for key in finding.related)
    cure = f"{finding.cure}; {_FILES_ALONE}" if is_absent else finding.cure
    return located.finding(replace(finding, message=message, cure=cure))


def _line(key: Identity, finding: Finding, located: Located) -> int:
    if key.kind == "ConfigMap" and finding.inside and finding.inside.line:
        return located.line_in(_PATCH, finding.inside.line)
    return located.line


def _elsewhere(route: ToolRoute, objects: ManifestObjects) -> tuple[str, str, Severity]:
    gateway = gateway_of_route(route)
    if gateway is None or gateway in objects.sources:
        return f"{gateway} is left out, and so is the route", "", "warning"
    message = f"{gateway} is not among the files; the route is left out"
    there = [found.identity for found in objects.of(ToolGateway).values()]
    beside = [key.name for key in there if key.namespace == gateway.namespace]
    if meant := meant_name(gateway.name, beside):
        return message, f"did you mean {meant}?", "error"
    namesakes = sorted(key for key in there if key.name == gateway.name)
    return message, f"did you mean {namesakes[0]}?" if namesakes else "", "warning"


def _unclaimed(gateway: Gateway, snapshot: Snapshot) -> Finding:
    kind = GATEWAY_KINDS[gateway.kind]
    path, name = ("spec", kind.class_field), gateway.spec.class_name
    if not nobody_claims(kind, name, snapshot.classes):
        message, cure = f"{_class(name)} belongs to another controller", ""
    elif meant := meant_class(kind, name, snapshot.classes):
        return Finding(path, f"there is no class {name}", f"did you mean {meant}?")
    elif name:
        message = f"class {name} is not among the files, so another controller runs it"
        near = nearest(
            name, {one.metadata.name: one for one in snapshot.classes if one.kind == kind.class_kind}
        )
        cure = f"did you mean {near}?" if near else ""
    else:
        message = "the gateway names no class, and no class of ours among the files is the default"
        cure = ""
    return Finding(path, f"{message}; the gateway is left out", cure, "warning")


def _class(name: str | None) -> str:
    return f"class {name}" if name else "the default class"


@dataclass(frozen=True)
class ManifestStack:
    """What a set of manifest files asks for, and everything that is wrong, in the order of files and lines.

    The `companions`, ConfigMaps and Secrets beside the gateways, are to be created as they are; the namespaces before
    them.
    """

    snapshot: Snapshot
    plan: Plan
    companions: tuple[Mapping[str, Any], ...]
    namespaces: tuple[Mapping[str, Any], ...]
    findings: tuple[FileFinding, ...]

    @property
    def errors(self) -> tuple[FileFinding, ...]:
        """The findings that keep a gateway from being made, or a route from being served."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def routes_of(self, gateway: Identity) -> tuple[RoutePlan, ...]:
        """Return the routes that a gateway serves, in the order of their names."""
        return tuple(route for route in self.plan.routes.values() if route.gateway == gateway and route.url)


def read_stack(
    paths: Iterable[Path], namespace: str = "default", policy: Policy | None = None
) -> ManifestStack:
    """Read and plan manifest files, and the files in folders; `namespace` is that of the objects that name none.

    The class ``litellm`` of each kind is known without a manifest, since installations bring it; a manifest replaces
    it. Guards, providers and ToolServers are looked up in the files alone, and ToolServers are never deployed.
    Gateways of a class outside of the files are left to others, and so are routes to other gateways. One warning counts
    the objects of unknown kinds.
    """
    objects = read_objects(load(paths), namespace)
    snapshot = snapshot_of(objects, policy or Policy())
    planned = plan(snapshot)
    return ManifestStack(
        snapshot,
        planned,
        tuple(objects.companions.values()),
        tuple(objects.namespaces.values()),
        all_findings(objects, snapshot, planned),
    )
