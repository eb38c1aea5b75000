"""Objects of the API that arguments describe, their snapshot, and the way back from fields to arguments."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from pydantic.alias_generators import to_camel

from gateway_components import strict_yaml
from gateway_components.api.kinds import GatewayKind
from gateway_components.api.meta import API_VERSION
from gateway_components.api.parse import parse
from gateway_components.api.syntax import Fault, namespace_fault
from gateway_components.components.inputs import Args
from gateway_components.errors import Finding, Path, clause
from gateway_components.identity import Identity
from gateway_components.plan.claims import image_fault
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.references import (
    PATCH_ANNOTATION,
    PATCH_PATH,
    api_key_reference,
    patch_reference,
)
from gateway_components.plan.snapshot import IMAGE, Content, Gateway, Policy, Snapshot
from gateway_components.plan.urls import allowed_upstream_fault


@dataclass(frozen=True, slots=True)
class Described:
    """An object that arguments describe, and what is wrong with these beyond what it shows.

    `arguments` has the argument for each field of it; of several that a path begins with, the first counts.
    """

    manifest: Mapping[str, Any]
    arguments: Mapping[Path, Path]
    faults: tuple[Finding, ...] = ()

    def finding(self, found: Finding) -> Finding:
        """Return what the core says about the object, of the arguments; no argument has a text within it."""
        for known, argument in self.arguments.items():
            if found.path[: len(known)] == known:
                return replace(found, path=(*argument, *found.path[len(known) :]), inside=None, related=())
        return found


def described(
    kind: str,
    metadata: Mapping[str, Any],
    spec: Mapping[str, Any],
    arguments: Mapping[Path, Path],
    *faults: Finding,
) -> Described:
    """Return an object of our API; fields of its `spec` that are None are left out."""
    given = {name: value for name, value in spec.items() if value is not None}
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": dict(metadata), "spec": given}
    return Described(manifest, arguments, faults)


def arguments_of(type_: type[Args], field_path: Path, path: Path) -> dict[Path, Path]:
    """Return the arguments below `path` for the fields below `field_path` that bear their names in camelCase."""
    return {(*field_path, to_camel(field.name)): (*path, field.name) for field in fields(type_)}


def namespace_problem(namespace: Any) -> Finding | None:
    """Return what is wrong with the name of a namespace, which the core does not check; None where it is right."""
    if namespace is None:
        return Finding(("namespace",), "is None", "leave it out for the namespace default")
    return _text_problem("namespace", namespace, namespace_fault)


def _text_problem(argument: str, value: Any, check: Callable[[str], Fault | None]) -> Finding | None:
    if not isinstance(value, str):
        return Finding((argument,), f"is a {type(value).__name__}, but must be text", "give it as text")
    fault = check(value)
    return Finding((argument,), fault.message, clause(fault.cure)) if fault else None


def _upstream_problems(upstreams: Any) -> Iterator[Finding]:
    if not isinstance(upstreams, list | tuple):
        yield Finding(
            ("allowed_upstreams",), f"is a {type(upstreams).__name__}, but must be a list", "list them"
        )
        return
    for position, entry in enumerate(upstreams):
        fault = allowed_upstream_fault(str(entry))
        if fault:
            yield Finding((f"allowed_upstreams[{position}]",), fault.message, clause(fault.cure))


_CLASS = "component"
_PATCH = "config-patch"
"""Stand for class and patch, which the core finds by their names; no objects of these names are ever made."""

_RESTART_HASH = "runtime.agentic-layer.ai/restart-hash"
"""Annotation of the pods with a digest of what a program wants them to restart for."""

_ARGUMENTS: Mapping[Path, Path] = {
    PATCH_PATH: ("config_patch",),
    ("metadata", "name"): ("name",),
    ("metadata", "namespace"): ("namespace",),
    ("spec", "aiModels"): ("models",),
    ("spec", "commonMetadata"): ("common_metadata",),
    ("spec", "envFrom"): ("env_from",),
    ("spec", "env"): ("env",),
    ("spec", "guardrails"): ("guardrails",),
    ("spec", "podMetadata"): ("pod_metadata",),
    ("spec", "port"): ("port",),
}
"""What the arguments are called whose fields of the custom resource are these."""


def described_gateway(kind: GatewayKind, parts: Mapping[str, Any]) -> Described:
    """Return the gateway whose fields `parts` hold."""
    metadata: dict[str, Any] = {"name": parts["name"], "namespace": parts["namespace"]}
    if parts["patch"] is not None:
        metadata["annotations"] = {PATCH_ANNOTATION: _PATCH}
    fields = ("aiModels", "port", "commonMetadata", "env", "envFrom", "podMetadata")
    spec = {key: parts.get(key) for key in fields}
    if parts.get("restartOn") is not None:
        spec["podMetadata"] = _noted(spec["podMetadata"], parts["restartOn"])
    guardrails = [{"name": guard["name"]} for guard in parts["guardrails"]] or None
    image = parts.get("image")
    faults = (
        namespace_problem(parts["namespace"]),
        None if image is None else _text_problem("image", image, image_fault),
    )
    return described(
        kind.kind,
        metadata,
        {kind.class_field: _CLASS, "guardrails": guardrails, **spec},
        _ARGUMENTS,
        *(fault for fault in faults if fault),
        *_upstream_problems(parts.get("allowedUpstreams", ())),
    )


def snapshot(
    kind: GatewayKind, gateway: Described, others: Iterable[Described], parts: Mapping[str, Any]
) -> Snapshot:
    """Return all that a plan may know of a gateway, as `described_gateway` returned it.

    Its guards and routes, and what is behind them, are the `others`, all without a fault. Of `parts`, its patch, its
    image and what is known of Secrets and ConfigMaps that it refers to are used.
    """
    class_ = {
        "apiVersion": API_VERSION,
        "kind": kind.class_kind,
        "metadata": {"name": _CLASS},
        "spec": {"controller": kind.controller},
    }
    models = [
        parse(manifest) for manifest in (class_, gateway.manifest, *(entry.manifest for entry in others))
    ]
    known = Snapshot.of({model.identity: model for model in models})
    return replace(
        known,
        contents=_contents(known.gateways[0], parts),
        policy=Policy(
            allowed_upstreams=tuple(parts.get("allowedUpstreams", ())),
            image=IMAGE if parts.get("image") is None else parts["image"],
        ),
    )


def _noted(metadata: Any, digest: str) -> Any:
    """Return metadata of pods with a digest among their annotations; what is no metadata comes back as it is."""
    annotations = metadata.get("annotations") or {} if isinstance(metadata, Mapping) else {}
    if not isinstance(metadata, Mapping | None) or not isinstance(annotations, Mapping):
        return metadata
    return {**(metadata or {}), "annotations": {**annotations, _RESTART_HASH: digest}}


def _contents(gateway: Gateway, parts: Mapping[str, Any]) -> dict[Identity, Content]:
    namespace = gateway.metadata.namespace or ""
    contents = {
        Identity(known["kind"], namespace, known["name"]): Content(known["digest"])
        for known in parts.get("referenced", ())
    }
    reference = patch_reference(gateway)
    if reference is not None:
        contents[reference] = Content("", {PATCH_KEY: strict_yaml.dump(parts["patch"])})
    if parts.get("apiKeys") is not None:
        contents[api_key_reference(gateway)] = Content(parts["apiKeys"])
    return contents
