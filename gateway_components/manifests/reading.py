"""From the objects of manifest files to their models, each judged by itself."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway_components.crds.kinds import GROUP, KINDS
from gateway_components.crds.parse import parse_as, problems
from gateway_components.crds.problem import FieldProblem, dotted
from gateway_components.crds.syntax import Fault, namespace_fault
from gateway_components.crds.unknown import nearest
from gateway_components.manifests.content import CONTENT_KINDS, content, content_problems
from gateway_components.manifests.load import Finding, Loaded, Located
from gateway_components.manifests.objects import ManifestObjects
from gateway_components.plan.keys import ObjectKey, Reference

__all__ = ["read_objects"]


def read_objects(loaded: Loaded, namespace: str) -> ManifestObjects:
    """Return the objects of some files, and what is wrong with each; kinds of others are left out with a warning.

    Parameters
    ----------
    loaded
        The files.
    namespace
        Namespace of the objects that name none.
    """
    objects = ManifestObjects(findings=list(loaded.findings))
    for located in loaded.objects:
        if _is_content(located) or located.kind in KINDS:
            _read(located, namespace, objects)
        else:
            objects.findings.append(_not_handled(located))
    return objects


def _read(located: Located, namespace: str, objects: ManifestObjects) -> None:
    faults = _problems(located, namespace)
    objects.findings += _findings(located, faults)
    if any(fault.severity == "error" for fault in faults):
        key = _readable_key(located, namespace)
        if key is not None:
            objects.sources.setdefault(key, located)
        return
    manifest = _placed(located.manifest, namespace)
    key = _key(located.kind, manifest["metadata"])
    if key in objects.models or key in objects.companions:
        objects.findings.append(_twice(located, objects.sources[key]))
        return
    objects.sources[key] = located
    if _is_content(located):
        objects.companions[key] = manifest
        objects.contents[_reference(key)] = content(manifest)
    else:
        objects.models[key] = parse_as(KINDS[located.kind].model, manifest)


def _is_content(located: Located) -> bool:
    return located.kind in CONTENT_KINDS and located.manifest.get("apiVersion") == "v1"


def _reference(key: ObjectKey) -> Reference:
    return Reference("Secret" if key.kind == "Secret" else "ConfigMap", key.namespace, key.name)


def _not_handled(located: Located) -> Finding:
    version = str(located.manifest.get("apiVersion", ""))
    meant = nearest(located.kind, KINDS) if version.startswith(f"{GROUP}/") else None
    message = f"kind {located.kind} of {version or 'no apiVersion'} is not handled here and left out"
    cure = f"did you mean {meant}?" if meant else ""
    return located.finding(("kind",), "kind", message, cure, severity="warning")


def _problems(located: Located, namespace: str) -> list[FieldProblem]:
    manifest = located.manifest
    faults = list(content_problems(manifest) if _is_content(located) else problems(manifest))
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


def _findings(located: Located, faults: Iterable[FieldProblem]) -> Iterable[Finding]:
    return (
        located.finding(fault.path, dotted(fault.path), fault.message, fault.cure, fault.severity)
        for fault in faults
    )


def _twice(located: Located, first: Located) -> Finding:
    message = f"this object stands twice, first in {first.file} line {first.line}"
    return located.finding(("metadata", "name"), "metadata.name", message, "remove one of them")


def _key(kind: str, metadata: Mapping[str, Any]) -> ObjectKey:
    """Return the name of an object with a namespace; objects of the cluster have none."""
    namespaced = kind not in KINDS or KINDS[kind].namespaced
    return ObjectKey(kind, metadata["namespace"] if namespaced else "", metadata["name"])


def _readable_key(located: Located, namespace: str) -> ObjectKey | None:
    """Return the name of an object that has other faults; None where it cannot be read."""
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
