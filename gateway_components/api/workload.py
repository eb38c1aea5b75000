"""What the CRDs admit but a Deployment cannot hold: labels, annotations and environment of a gateway's pods.

The API server would refuse the Deployment, long after it took the gateway. The rules are those of
k8s.io/kubernetes/pkg/apis/core/validation, measured on kube-apiserver 1.36.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway_components.api.base import ApiModel
from gateway_components.api.pod import (
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    FieldSelector,
    MetadataOverlay,
    ResourceFieldSelector,
)
from gateway_components.api.syntax import (
    LABEL,
    LABEL_LENGTH,
    NAME_CURE,
    Fault,
    annotation_key_fault,
    env_name_fault,
    key_fault,
    label_key_fault,
    label_value_fault,
    object_name_fault,
    shown,
)
from gateway_components.errors import Finding, Path

ANNOTATIONS_SIZE = 256 * 1024
RESOURCES = tuple(
    f"{part}.{name}" for part in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")
)
FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]", re.DOTALL)


def workload_problems(model: ApiModel, path: Path = ()) -> Iterator[Finding]:
    """Find what a Deployment cannot hold, anywhere in a model, which lies at `path`.

    The rules belong to the models in `gateway_components.api.pod`, so every kind that uses those is covered.
    """
    rule = RULES.get(type(model))
    if rule is not None:
        yield from rule(model, path)
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        below = (*path, field.alias or name)
        if isinstance(value, ApiModel):
            yield from workload_problems(value, below)
        elif isinstance(value, tuple):
            for position, item in enumerate(value):
                if isinstance(item, ApiModel):
                    yield from workload_problems(item, (*below, position))


def workload_name_problem(name: str) -> Finding | None:
    """Check whether the Service and the label ``app`` of a gateway can carry its name, which is a valid object name.

    Kubernetes 1.36 takes RFC 1123 labels for Services (measured: ``1abc`` is accepted, ``a.b`` and 64
    characters are refused). Before its gate RelaxedServiceNameValidation, a digit in front was refused too: a warning.
    """
    path = ("metadata", "name")
    if len(name) > LABEL_LENGTH:
        message = f"has {len(name)} characters, too many for the Service that gets the same name"
        return Finding(path, message, f"Use at most {LABEL_LENGTH}.")
    if not re.fullmatch(LABEL, name):
        message = f"is {shown(name)}, which is not a valid name of its Service"
        return Finding(path, message, f"{NAME_CURE} No dots.")
    if name[0].isdigit():
        message = f"is {shown(name)}; older clusters refuse a Service whose name begins with a digit"
        return Finding(path, message, "Begin with a letter.", "warning")
    return None


def label_problems(
    labels: Mapping[str, str], annotations: Mapping[str, str], path: Path
) -> Iterator[Finding]:
    """Find the labels and annotations, of an object or an overlay at `path`, that no object can have."""
    for key, value in labels.items():
        where = (*path, "labels", key)
        yield from _at(where, label_key_fault(key))
        yield from _at(where, label_value_fault(value))
    for key in annotations:
        yield from _at((*path, "annotations", key), annotation_key_fault(key))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > ANNOTATIONS_SIZE:
        message = f"has {size} bytes of keys and values"
        yield Finding((*path, "annotations"), message, f"Use at most {ANNOTATIONS_SIZE}.")


def _at(path: Path, fault: Fault | None) -> Iterator[Finding]:
    if fault is not None:
        yield Finding(path, fault.message, fault.cure)


def _env(variable: EnvVar, path: Path) -> Iterator[Finding]:
    yield from _at((*path, "name"), env_name_fault(variable.name))
    if variable.value and variable.value_from is not None:
        yield Finding((*path, "valueFrom"), "is set beside a value", "Remove value or valueFrom.")


def _env_from(source: EnvFromSource, path: Path) -> Iterator[Finding]:
    if source.prefix:
        yield from _at((*path, "prefix"), env_name_fault(source.prefix))
    yield from _one_of(path, {"configMapRef": source.config_map_ref, "secretRef": source.secret_ref})
    for name, ref in (("configMapRef", source.config_map_ref), ("secretRef", source.secret_ref)):
        if ref is not None:
            yield from _at((*path, name, "name"), object_name_fault(ref.name))


def _value_from(source: EnvVarSource, path: Path) -> Iterator[Finding]:
    choices = {
        field.alias or name: getattr(source, name) for name, field in EnvVarSource.model_fields.items()
    }
    yield from _one_of(path, choices)
    for name, ref in (
        ("configMapKeyRef", source.config_map_key_ref),
        ("secretKeyRef", source.secret_key_ref),
    ):
        if ref is not None:
            yield from _at((*path, name, "name"), object_name_fault(ref.name))
            yield from _at((*path, name, "key"), key_fault(ref.key))


def _field(selector: FieldSelector, path: Path) -> Iterator[Finding]:
    if selector.api_version not in {None, "", "v1"}:
        message = f"is {shown(selector.api_version)}, which pods do not have"
        yield Finding((*path, "apiVersion"), message, "Leave it out or use v1.")
    keyed = KEYED_FIELD.fullmatch(selector.field_path)
    if keyed is not None:
        check = label_key_fault if keyed[1] == "labels" else annotation_key_fault
        yield from _at((*path, "fieldPath"), check(keyed[2]))
    elif selector.field_path not in FIELDS:
        message = f"is {shown(selector.field_path)}, which no variable can show"
        cure = f"Use one of {', '.join(FIELDS)}, metadata.labels['KEY'], metadata.annotations['KEY']."
        yield Finding((*path, "fieldPath"), message, cure)


def _resource(selector: ResourceFieldSelector, path: Path) -> Iterator[Finding]:
    if selector.resource not in RESOURCES:
        message = f"is {shown(selector.resource)}, which no container has"
        yield Finding((*path, "resource"), message, f"Use one of {', '.join(RESOURCES)}.")


def _one_of(path: Path, choices: Mapping[str, object]) -> Iterator[Finding]:
    given = [name for name, value in choices.items() if value is not None]
    if not given:
        yield Finding(path, "names no source", f"Add one of {', '.join(choices)}.")
    elif len(given) > 1:
        yield Finding(path, f"names several sources: {', '.join(given)}", "Keep one of them.")


RULES: Mapping[type[ApiModel], Callable[[Any, Path], Iterator[Finding]]] = {
    MetadataOverlay: lambda overlay, path: label_problems(overlay.labels, overlay.annotations, path),
    EnvVar: _env,
    EnvFromSource: _env_from,
    EnvVarSource: _value_from,
    FieldSelector: _field,
    ResourceFieldSelector: _resource,
}
