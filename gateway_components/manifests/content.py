"""The companions of gateways in manifest files: ConfigMaps, Secrets and namespaces."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from gateway_components.api.syntax import key_fault, namespace_fault, object_name_fault
from gateway_components.errors import Finding
from gateway_components.plan.snapshot import Content, content_digest

_COPY = "kubectl.kubernetes.io/last-applied-configuration"

_TEXT_FIELD = {"ConfigMap": "data", "Secret": "stringData"}
_ENCODED_FIELD = {"ConfigMap": "binaryData", "Secret": "data"}


def content_problems(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what is wrong with a ConfigMap or Secret. No value is ever shown: it may be a secret."""
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str):
        yield Finding(("metadata", "name"), "is required, as text", "Give it a name.")
    elif fault := object_name_fault(name):
        yield Finding(("metadata", "name"), fault.message, fault.cure)
    for field in (_TEXT_FIELD[manifest["kind"]], _ENCODED_FIELD[manifest["kind"]]):
        values = manifest.get(field)
        if isinstance(values, Mapping):
            encoded = field == _ENCODED_FIELD[manifest["kind"]]
            for key, value in values.items():
                yield from _value_problems((field, key), key, value, encoded=encoded)
        elif values is not None:
            yield Finding((field,), "must be a map from keys to text", "Write KEY: VALUE lines below it.")


def namespace_problems(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what is wrong with a Namespace."""
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or not name:
        yield Finding(("metadata", "name"), "is required, as text", "Give it a name.")
        return
    if fault := namespace_fault(name):
        yield Finding(("metadata", "name"), fault.message, fault.cure)
    for field in ("labels", "annotations"):
        values = manifest["metadata"].get(field)
        if values is not None and not (
            isinstance(values, Mapping) and all(isinstance(value, str) for value in values.values())
        ):
            yield Finding(("metadata", field), "must be a map from keys to text", "Put the values in quotes.")


def namespace_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Namespace without problems as it is applied: what the API server writes into one is left out."""
    given = manifest["metadata"]
    metadata: dict[str, Any] = {"name": given["name"]}
    for field in ("labels", "annotations"):
        if values := {key: text for key, text in (given.get(field) or {}).items() if key != _COPY}:
            metadata[field] = values
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def content(manifest: Mapping[str, Any]) -> Content:
    """Return what a plan may know of a ConfigMap or Secret without problems."""
    texts: Mapping[str, str] = manifest.get(_TEXT_FIELD[manifest["kind"]]) or {}
    encoded = manifest.get(_ENCODED_FIELD[manifest["kind"]]) or {}
    decoded = {key: _decoded(value) for key, value in encoded.items()}
    digest = content_digest({**decoded, **texts})
    if manifest["kind"] == "ConfigMap":
        return Content(digest, texts, frozenset(texts), _empty(texts))
    values = {**decoded, **texts}
    return Content(digest, keys=frozenset(values), empty=_empty(values))


def _empty(values: Mapping[str, object]) -> frozenset[str]:
    return frozenset(key for key, value in values.items() if not value)


def _value_problems(path: tuple[str, str], key: str, value: Any, *, encoded: bool) -> Iterator[Finding]:
    if fault := key_fault(key):
        yield Finding(path, fault.message, fault.cure)
    if not isinstance(value, str):
        yield Finding(path, "the value is not text", "Put it in quotes.")
    elif encoded:
        try:
            _decoded(value)
        except (binascii.Error, ValueError):
            plain = "stringData" if path[0] == "data" else "data"
            yield Finding(path, "the value is not base64", f"Encode it, or use {plain}.")


def _decoded(value: str) -> bytes:
    """Decode base64 as Kubernetes does: line breaks do not count."""
    return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
