"""The objects of a gateway as they are planned, and the digests that show whether they changed."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

from gateway_components.identity import Identity
from gateway_components.plan.urls import service_url


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


EMPTY_DIGEST = _short(b"")
"""Digest of a Secret that does not exist (spec, "Objects")."""


def config_hash(config_yaml: str) -> str:
    """Return the first 16 hex digits of SHA-256 of ``config.yaml``.

    Source: operator-reference, "Pod restart annotation".
    """
    return _short(config_yaml.encode())


def env_hash(digests: Iterable[tuple[Identity, str]]) -> str:
    """Return 16 hex digits over the content of all referenced objects, whatever order they come in."""
    lines = sorted(f"{reference.kind}/{reference.name}={digest}\n" for reference, digest in digests)
    return _short("".join(lines).encode())


def object_digest(*objects: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON objects; equal iff they are equal."""
    text = json.dumps(objects, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


SETTINGS = frozenset(("pulumi.com/patchFieldManager", "pulumi.com/skipAwait"))
"""Annotations about how an object is applied; each writer replaces them."""

HANDOVER_ANNOTATION = "runtime.agentic-layer.ai/handing-over"
"""Of a Deployment of which pods of another operator may serve still."""

_QUANTITY_FIELD = "divisor"
"""The only quantity that a user may set."""
_UNITS = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("n", "u", "m", "", *"kMGTPE"), -3)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}

Manifest = Mapping[str, Any]
"""A Kubernetes object in JSON types."""

_MANIFESTS = "config_map", "deployment", "service"
_PACKED = "_packed"


@dataclass(frozen=True)
class GatewayObjects:
    """The manifests of one gateway, complete and ready to apply.

    Once they are `packed`, each look at a manifest unpacks it anew. What a reconcile asks of an unchanged gateway
    needs none. `servers` has the key in ``mcp_servers`` of each ToolRoute that it serves, by ``NAMESPACE/NAME``.
    """

    config_map: Manifest
    deployment: Manifest
    service: Manifest
    servers: Mapping[str, str] = field(default_factory=dict)

    @property
    def manifests(self) -> tuple[Manifest, Manifest, Manifest]:
        """The three in the order they are to be created: what is mounted before what mounts it."""
        if _PACKED in vars(self):
            config_map, deployment, service = self._unpacked()
            return config_map, deployment, service
        return self.config_map, self.deployment, self.service

    @property
    def packed(self) -> Self:
        """The same without its manifests, which are unpacked when somebody looks at them."""
        if _PACKED in vars(self):
            return self
        made = copy(self)
        for name in ("digest", "size", "url", "hashes"):
            vars(made)[name] = getattr(self, name)
        for name in _MANIFESTS:
            del vars(made)[name]
        vars(made)[_PACKED] = zlib.compress(json.dumps(self.manifests).encode(), 1)
        return made

    @property
    def packed_bytes(self) -> int:
        """How many bytes its manifests take while they are `packed`; 0 where they are not."""
        return len(vars(self).get(_PACKED, b""))

    def __getattr__(self, name: str) -> Any:
        """Return a manifest of what is `packed`; asked for what is not there alone."""
        if name not in _MANIFESTS or _PACKED not in vars(self):
            raise AttributeError(name)
        return self._unpacked()[_MANIFESTS.index(name)]

    def _unpacked(self) -> list[Manifest]:
        found: list[Manifest] = json.loads(zlib.decompress(vars(self)[_PACKED]))
        return found

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """As `template_hashes` of its Deployment."""
        return template_hashes(self.deployment)

    @cached_property
    def url(self) -> str:
        """Where clients inside the cluster reach the gateway."""
        metadata, port = self.service["metadata"], self.service["spec"]["ports"][0]["port"]
        return service_url(metadata["name"], metadata["namespace"], port)

    @property
    def handing_over(self) -> "GatewayObjects":
        """The same with a Service that finds each pod's port by its name: pods of two operators have two numbers."""
        ports = [{**port, "targetPort": port["name"]} for port in self.service["spec"]["ports"]]
        metadata = self.deployment["metadata"]
        annotations = {**metadata.get("annotations", {}), HANDOVER_ANNOTATION: "true"}
        made = replace(
            self,
            deployment={**self.deployment, "metadata": {**metadata, "annotations": annotations}},
            service={**self.service, "spec": {**self.service["spec"], "ports": ports}},
        )
        return made.packed if _PACKED in vars(self) else made

    def serving(self, servers: Mapping[str, str]) -> Self:
        """Return the same objects of a gateway that serves these routes; their digest is made once for both."""
        made = copy(self)
        vars(made).update(servers=servers, digest=self.digest)
        return made

    @cached_property
    def size(self) -> int:
        """About how many bytes they have."""
        return sum(len(json.dumps(manifest)) for manifest in self.manifests)

    @cached_property
    def digest(self) -> str:
        """As `objects_digest`: equal digests need no engine run."""
        return objects_digest(*self.manifests)


def template_hashes(deployment: Manifest) -> dict[str, str]:
    """Return the annotations of the pod template whose change rolls a Deployment out."""
    annotations = deployment["spec"]["template"].get("metadata", {}).get("annotations") or {}
    return {key: value for key, value in annotations.items() if key.endswith("-hash")}


def objects_digest(config_map: Manifest, deployment: Manifest, service: Manifest) -> str:
    """Return the SHA-256 over the objects of a gateway; equal iff they mean the same to Kubernetes.

    In a pod, empty fields are dropped: ``value: ""`` of a variable comes back without it. And a quantity comes back in
    its canonical form: ``1000m`` as ``1``.
    """
    template = deployment["spec"]["template"]
    pods = {**template, "spec": _meaning(template["spec"])}
    deployment = {**deployment, "spec": {**deployment["spec"], "template": pods}}
    return object_digest(*map(_without_settings, (config_map, deployment, service)))


def _without_settings(manifest: Manifest) -> Manifest:
    metadata = dict(manifest["metadata"])
    annotations = metadata.pop("annotations", None) or {}
    kept = {key: value for key, value in annotations.items() if key not in SETTINGS}
    return {**manifest, "metadata": {**metadata, **({"annotations": kept} if kept else {})}}


def _meaning(value: Any) -> Any:
    if isinstance(value, str):
        # Most are texts, of which it takes longer to find out that they are no mapping.
        return value
    if isinstance(value, Mapping):
        kept = {
            key: _amount(item) if key == _QUANTITY_FIELD else _meaning(item) for key, item in value.items()
        }
        return {key: item for key, item in kept.items() if item is not None and item not in ("", [], {})}
    if isinstance(value, list):
        return [_meaning(item) for item in value]
    return value


def _amount(quantity: int | str) -> str:
    text = str(quantity)
    number = text.rstrip("numkKMGTPEi")
    try:
        return str((Decimal(number) * _UNITS[text.removeprefix(number)]).normalize())
    except (ArithmeticError, KeyError):
        # Nothing that Kubernetes takes.
        return text
