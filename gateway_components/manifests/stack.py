"""From manifest files to a plan: the same decisions as the daemon's, with no cluster."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass, AiGatewayClassSpec
from gateway_components.crds.kinds import GROUP, KINDS
from gateway_components.crds.meta import ObjectMeta
from gateway_components.crds.parse import parse_as, problems
from gateway_components.crds.problem import FieldProblem, dotted
from gateway_components.crds.syntax import Fault
from gateway_components.crds.unknown import nearest
from gateway_components.manifests.content import CONTENT_KINDS, content, content_problems
from gateway_components.manifests.load import Finding, Located, load
from gateway_components.manifests.names import namespace_fault
from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey, ObjectKey, Reference
from gateway_components.plan.kinds import AI_GATEWAY
from gateway_components.plan.plan import Plan, gateway_key, plan
from gateway_components.plan.snapshot import Content, ExistingObject, Snapshot

__all__ = ["ManifestStack", "read_stack"]

_SHIPPED_CLASS = "litellm"


@dataclass(frozen=True)
class ManifestStack:
    """What a set of manifest files asks for.

    Attributes
    ----------
    plan
        The plan of its gateways.
    companions
        ConfigMaps and Secrets that stand beside them, to be created as they are.
    findings
        Everything that is wrong, in the order of files and lines.
    """

    plan: Plan
    companions: tuple[Mapping[str, Any], ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep a gateway from being made."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


@dataclass
class _Reading:
    namespace: str
    findings: list[Finding] = field(default_factory=list)
    gateways: dict[GatewayKey, tuple[AiGateway, Located]] = field(default_factory=dict)
    classes: dict[str, AiGatewayClass] = field(default_factory=dict)
    companions: dict[Reference, Mapping[str, Any]] = field(default_factory=dict)
    contents: dict[Reference, Content] = field(default_factory=dict)
    seen: dict[tuple[str, str, str], Located] = field(default_factory=dict)


def read_stack(paths: Iterable[Path], namespace: str = "default") -> ManifestStack:
    """Read and plan manifest files.

    Parameters
    ----------
    paths
        Files, and folders of files.
    namespace
        Namespace of the objects that name none.

    Notes
    -----
    The class ``litellm`` is known without a manifest, as an installation brings it; a manifest of that name
    replaces it. Kinds that this project does not know are left out with a warning.
    """
    loaded = load(paths)
    reading = _Reading(namespace, list(loaded.findings))
    for located in loaded.objects:
        _read(located, reading)
    reading.classes.setdefault(_SHIPPED_CLASS, _shipped_class())
    planned = plan(
        Snapshot(
            ai_gateways=tuple(gateway for gateway, _ in reading.gateways.values()),
            ai_gateway_classes=tuple(reading.classes.values()),
            contents=reading.contents,
            existing={
                ObjectKey("ConfigMap", reference.namespace, reference.name): ExistingObject(None)
                for reference in reading.companions
                if reference.kind == "ConfigMap"
            },
        )
    )
    for key, (gateway, located) in reading.gateways.items():
        _judge(key, gateway, located, planned, reading)
    findings = sorted(reading.findings, key=lambda finding: (finding.file, finding.line))
    return ManifestStack(planned, tuple(reading.companions.values()), tuple(findings))


def _read(located: Located, reading: _Reading) -> None:
    is_content = located.kind in CONTENT_KINDS and located.manifest.get("apiVersion") == "v1"
    if not is_content and located.kind not in KINDS:
        reading.findings.append(_not_handled(located))
        return
    faults = _problems(located, reading.namespace, is_content=is_content)
    reading.findings += [
        located.finding(fault.path, dotted(fault.path), fault.message, fault.cure, fault.severity)
        for fault in faults
    ]
    if any(fault.severity == "error" for fault in faults) or _is_twice(located, reading):
        return
    manifest = _placed(located.manifest, reading.namespace)
    if located.kind == "AiGateway":
        gateway = parse_as(AiGateway, manifest)
        reading.gateways[gateway_key(gateway)] = gateway, located
    elif located.kind == "AiGatewayClass":
        known = parse_as(AiGatewayClass, manifest)
        reading.classes[known.metadata.name] = known
    else:
        kind: Literal["ConfigMap", "Secret"] = "Secret" if located.kind == "Secret" else "ConfigMap"
        reference = Reference(kind, manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        reading.contents[reference] = content(manifest)
        reading.companions[reference] = manifest


def _not_handled(located: Located) -> Finding:
    version = str(located.manifest.get("apiVersion", ""))
    meant = nearest(located.kind, KINDS) if version.startswith(f"{GROUP}/") else None
    message = f"kind {located.kind} of {version or 'no apiVersion'} is not handled here and left out"
    cure = f"did you mean {meant}?" if meant else ""
    return located.finding(("kind",), "kind", message, cure, severity="warning")


def _problems(located: Located, namespace: str, *, is_content: bool) -> list[FieldProblem]:
    manifest = located.manifest
    faults = list(content_problems(manifest) if is_content else problems(manifest))
    metadata = manifest.get("metadata")
    if any(fault.severity == "error" for fault in faults) or not isinstance(metadata, Mapping):
        return faults
    if not metadata.get("name"):
        cure = "Give it a name: generateName works with kubectl create alone."
        faults.append(FieldProblem(("metadata", "name"), "is missing or empty", cure))
    where = metadata.get("namespace") or namespace
    fault = namespace_fault(where) if isinstance(where, str) else Fault("is not text", "Put it in quotes.")
    if fault:
        faults.append(FieldProblem(("metadata", "namespace"), fault.message, fault.cure))
    return faults


def _is_twice(located: Located, reading: _Reading) -> bool:
    metadata = _placed(located.manifest, reading.namespace)["metadata"]
    namespaced = located.kind not in KINDS or KINDS[located.kind].namespaced
    identity = (located.kind, metadata["namespace"] if namespaced else "", metadata["name"])
    first = reading.seen.setdefault(identity, located)
    if first is located:
        return False
    message = f"this object stands twice, first in {first.file} line {first.line}"
    reading.findings.append(
        located.finding(("metadata", "name"), "metadata.name", message, "remove one of them")
    )
    return True


def _judge(key: GatewayKey, gateway: AiGateway, located: Located, planned: Plan, reading: _Reading) -> None:
    if key not in planned.gateways:
        reading.findings.append(_unclaimed(gateway, located, reading))
        return
    failure = planned.gateways[key].failure
    if failure:
        path = _failure_path(failure)
        reading.findings.append(located.finding(path, failure.field, failure.message, failure.cure))


def _unclaimed(gateway: AiGateway, located: Located, reading: _Reading) -> Finding:
    path, shown = ("spec", "aiGatewayClassName"), "spec.aiGatewayClassName"
    name = gateway.spec.ai_gateway_class_name
    if name in reading.classes:
        message = f"class {name} belongs to another controller; the gateway is left out"
        return located.finding(path, shown, message, severity="warning")
    message = (
        f"there is no class {name}"
        if name
        else "the gateway names no class, and no class of ours is the default"
    )
    ours = [key for key, known in reading.classes.items() if known.spec.controller == AI_GATEWAY.controller]
    cure = f"name one of: {', '.join(sorted(ours))}" if ours else f"add a class of {AI_GATEWAY.controller}"
    return located.finding(path, shown, message, cure)


def _failure_path(failure: Failure) -> tuple[str, ...]:
    head, bracket, rest = failure.field.partition("[")
    return (*head.split("."), rest.rstrip("]")) if bracket else tuple(head.split("."))


def _placed(manifest: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return `manifest` with a namespace, and without the UID that an export from a cluster holds.

    Objects with an owner that does not exist would be deleted at once.
    """
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "uid"}
    return {**manifest, "metadata": {**metadata, "namespace": metadata.get("namespace") or namespace}}


def _shipped_class() -> AiGatewayClass:
    return AiGatewayClass(
        metadata=ObjectMeta(name=_SHIPPED_CLASS), spec=AiGatewayClassSpec(controller=AI_GATEWAY.controller)
    )
