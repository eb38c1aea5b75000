"""The objects of manifest files by their names, as a plan takes them: those of our kinds, and their companions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from gateway_components.api.gateways import AiGateway, ToolGateway
from gateway_components.api.kinds import CONTENT_KINDS, GATEWAY_KINDS, KINDS
from gateway_components.api.meta import GROUP, ApiObject, own_annotations
from gateway_components.api.parse import parse_as, problems
from gateway_components.api.spelling import nearest
from gateway_components.api.syntax import Fault, key_fault, namespace_fault, object_name_fault
from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.manifests.load import FileFinding, Loaded, Located
from gateway_components.plan.snapshot import (
    TEXT_FIELDS,
    Content,
    ExistingObject,
    Gateway,
    Policy,
    Snapshot,
    Unreadable,
    from_base64,
)


def content_problems(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what is wrong with a ConfigMap or Secret. No value is ever shown: it may be a secret."""
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str):
        yield Finding(("metadata", "name"), "is required, as text", "Give it a name.")
    elif fault := object_name_fault(name):
        yield Finding(("metadata", "name"), fault.message, fault.cure)
    for part, encoded in zip(TEXT_FIELDS[manifest["kind"]], (False, True), strict=True):
        values = manifest.get(part)
        if isinstance(values, Mapping):
            for key, value in values.items():
                yield from _value_problems((part, key), key, value, encoded=encoded)
        elif values is not None:
            yield Finding((part,), "must be a map from keys to text", "Write KEY: VALUE lines below it.")


def namespace_problems(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what is wrong with a Namespace."""
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or not name:
        yield Finding(("metadata", "name"), "is required, as text", "Give it a name.")
        return
    if fault := namespace_fault(name):
        yield Finding(("metadata", "name"), fault.message, fault.cure)
    for part in ("labels", "annotations"):
        values = manifest["metadata"].get(part)
        if values is not None and not (
            isinstance(values, Mapping) and all(isinstance(value, str) for value in values.values())
        ):
            yield Finding(("metadata", part), "must be a map from keys to text", "Put the values in quotes.")


def namespace_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Namespace without problems as it is applied: what the API server writes into one is left out."""
    given = manifest["metadata"]
    parts = {"labels": dict(given.get("labels") or {}), "annotations": own_annotations(given)}
    metadata = {"name": given["name"], **{part: values for part, values in parts.items() if values}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _value_problems(path: tuple[str, str], key: str, value: Any, *, encoded: bool) -> Iterator[Finding]:
    if fault := key_fault(key):
        yield Finding(path, fault.message, fault.cure)
    if not isinstance(value, str):
        yield Finding(path, "the value is not text", "Put it in quotes.")
    elif encoded:
        try:
            from_base64(value)
        except ValueError:
            plain = "stringData" if path[0] == "data" else "data"
            yield Finding(path, "the value is not base64", f"Encode it, or use {plain}.")


M = TypeVar("M")

_SHIPPED_CLASS = "litellm"
_AT_FAULT = "its manifest has errors"


@dataclass
class ManifestObjects:
    """What some files hold; objects without a namespace already have one here.

    Attributes
    ----------
    models
        Objects of our kinds without errors.
    companions
        ConfigMaps and Secrets without errors, as they are.
    contents
        What a plan may know of these.
    namespaces
        Namespaces without errors, by their names.
    sources
        Where each object stands, those with errors among them.
    findings
        What is wrong with single files and objects.
    """

    models: dict[Identity, ApiObject] = field(default_factory=dict)
    companions: dict[Identity, Mapping[str, Any]] = field(default_factory=dict)
    contents: dict[Identity, Content] = field(default_factory=dict)
    namespaces: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: dict[Identity, Located] = field(default_factory=dict)
    findings: list[FileFinding] = field(default_factory=list)

    def of(self, *models: type[M]) -> dict[Identity, M]:
        """Return the objects of some models."""
        return {key: found for key, found in self.models.items() if isinstance(found, models)}

    @property
    def gateways(self) -> Mapping[Identity, Gateway]:
        """The gateways of either kind."""
        return {**self.of(AiGateway), **self.of(ToolGateway)}


def snapshot_of(objects: ManifestObjects, policy: Policy) -> Snapshot:
    """Return what a plan may use.

    The class ``litellm`` of each kind is known without a manifest, as an installation brings it. An object with errors
    exists, but is unreadable, and findings on references to it say so.
    """
    faulty = {
        key: Unreadable.gateway(key.kind, found.manifest, _AT_FAULT)
        if key.kind in GATEWAY_KINDS
        else Unreadable(_AT_FAULT)
        for key, found in objects.sources.items()
        if key not in objects.models
    }
    return replace(
        Snapshot.of({**faulty, **_shipped_classes(), **objects.models}),
        contents=objects.contents,
        existing={key: ExistingObject(None) for key in objects.companions if key.kind == "ConfigMap"},
        policy=policy,
        partial=True,
    )


def _shipped_classes() -> dict[Identity, ApiObject]:
    shipped = (
        parse_as(
            KINDS[kind.class_kind].model,
            {"metadata": {"name": _SHIPPED_CLASS}, "spec": {"controller": kind.controller}},
        )
        for kind in GATEWAY_KINDS.values()
    )
    return {found.identity: found for found in shipped}


_NAMESPACE = "Namespace"
_OTHERS_OF_GROUP = frozenset(
    (
        "Agent",
        "AgentGateway",
        "AgentGatewayClass",
        "AgentRuntimeConfiguration",
        "AgenticWorkforce",
    )
)
"""Kinds of our API group that belong to agent-runtime-operator: no misspellings of ours."""
_LISTED = 8


def read_objects(loaded: Loaded, namespace: str) -> ManifestObjects:
    """Return the objects of some files, and what is wrong with each; one warning counts those of other kinds.

    `namespace` is that of the objects that name none.
    """
    objects = ManifestObjects(findings=list(loaded.findings))
    others = []
    for located in loaded.objects:
        if _is_handled(located):
            _read(located, namespace, objects)
        elif meant := _meant_kind(located):
            objects.findings.append(_misspelt(located, meant))
        else:
            others.append(located)
    if others:
        objects.findings.append(_left_out(others))
    return objects


def _read(located: Located, namespace: str, objects: ManifestObjects) -> None:
    faults = _problems(located, namespace)
    objects.findings += map(located.finding, faults)
    if any(fault.severity == "error" for fault in faults):
        key = _readable_key(located, namespace)
        if key is not None:
            objects.sources.setdefault(key, located)
        return
    manifest = _placed(located.manifest, namespace)
    key = _key(located.kind, manifest["metadata"])
    if key.kind == _NAMESPACE:
        made = namespace_manifest(manifest)
        # Many a file begins with the one that it needs, and so do those beside it.
        if objects.namespaces.setdefault(key.name, made) != made:
            objects.findings.append(_twice(located, objects.sources[key]))
        objects.sources.setdefault(key, located)
        return
    if key in objects.models or key in objects.companions:
        objects.findings.append(_twice(located, objects.sources[key]))
        return
    objects.sources[key] = located
    if _is_content(located):
        objects.companions[key] = manifest
        objects.contents[key] = Content.of(key.kind, manifest)
    else:
        objects.models[key] = parse_as(KINDS[located.kind].model, manifest)


def _is_handled(located: Located) -> bool:
    if _is_content(located) or _is_namespace(located):
        return True
    # Other groups have kinds of these names, too; a group that is nearly ours is a misspelling.
    group, _, _ = str(located.manifest.get("apiVersion", "")).rpartition("/")
    return located.kind in KINDS and (not group or bool(get_close_matches(group, [GROUP], cutoff=0.8)))


def _is_content(located: Located) -> bool:
    return located.kind in CONTENT_KINDS and located.manifest.get("apiVersion") == "v1"


def _is_namespace(located: Located) -> bool:
    return located.kind == _NAMESPACE and located.manifest.get("apiVersion") == "v1"


def _meant_kind(located: Located) -> str | None:
    of_group = str(located.manifest.get("apiVersion", "")).startswith(f"{GROUP}/")
    return nearest(located.kind, KINDS) if of_group and located.kind not in _OTHERS_OF_GROUP else None


def _misspelt(located: Located, meant: str) -> FileFinding:
    version = located.manifest["apiVersion"]
    message = f"kind {located.kind} of {version} is not handled here and left out"
    return located.finding(Finding(("kind",), message, f"did you mean {meant}?", "warning"))


def _left_out(others: Sequence[Located]) -> FileFinding:
    counts = Counter(located.kind for located in others)
    named = [f"{count} {kind}" if count > 1 else kind for kind, count in sorted(counts.items())]
    listed = ", ".join(named[:_LISTED])
    more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
    one = len(others) == 1
    what = "1 object of another kind is" if one else f"{len(others)} objects of other kinds are"
    first = others[0]
    return FileFinding(
        (), f"{what} left out: {listed}{more}", severity="warning", file=first.file, line=first.line
    )


def _problems(located: Located, namespace: str) -> list[Finding]:
    manifest = located.manifest
    if _is_namespace(located):
        return list(namespace_problems(manifest))
    faults = list(content_problems(manifest) if _is_content(located) else problems(manifest))
    metadata = manifest.get("metadata")
    if any(fault.severity == "error" for fault in faults) or not isinstance(metadata, Mapping):
        return faults
    if not metadata.get("name"):
        cure = "Give it a name: generateName works with kubectl create alone."
        faults.append(Finding(("metadata", "name"), "is missing or empty", cure))
    where = metadata.get("namespace") or namespace
    fault = namespace_fault(where) if isinstance(where, str) else Fault("is not text", "Put it in quotes.")
    if fault:
        faults.append(Finding(("metadata", "namespace"), fault.message, fault.cure))
    return faults


def _twice(located: Located, first: Located) -> FileFinding:
    message = f"duplicate object, first in {first.file} line {first.line}"
    return located.finding(Finding(("metadata", "name"), message, "remove one of them"))


def _key(kind: str, metadata: Mapping[str, Any]) -> Identity:
    namespaced = KINDS[kind].namespaced if kind in KINDS else kind != _NAMESPACE
    return Identity(kind, metadata["namespace"] if namespaced else "", metadata["name"])


def _readable_key(located: Located, namespace: str) -> Identity | None:
    metadata = located.manifest.get("metadata")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
        return None
    placed = _placed(located.manifest, namespace)["metadata"]
    return _key(located.kind, placed) if isinstance(placed["namespace"], str) else None


def _placed(manifest: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return `manifest` with a namespace, and without the UID that an export from a cluster holds.

    Objects with an owner that does not exist would be deleted at once.
    """
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "uid"}
    return {**manifest, "metadata": {**metadata, "namespace": metadata.get("namespace") or namespace}}
