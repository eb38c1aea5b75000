"""ConfigMaps and Secrets of manifest files: whether they are right, and what a plan may know of them."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from gateway_components.crds.problem import FieldProblem
from gateway_components.crds.syntax import key_fault, object_name_fault
from gateway_components.plan.hashes import content_digest
from gateway_components.plan.snapshot import Content

__all__ = ["CONTENT_KINDS", "content", "content_problems"]

CONTENT_KINDS = ("ConfigMap", "Secret")

_TEXT_FIELD = {"ConfigMap": "data", "Secret": "stringData"}
_ENCODED_FIELD = {"ConfigMap": "binaryData", "Secret": "data"}


def content_problems(manifest: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Find what is wrong with a ConfigMap or Secret. No value is ever shown: it may be a secret."""
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str):
        yield FieldProblem(("metadata", "name"), "is required, as text", "Give it a name.")
    elif fault := object_name_fault(name):
        yield FieldProblem(("metadata", "name"), fault.message, fault.cure)
    for field in (_TEXT_FIELD[manifest["kind"]], _ENCODED_FIELD[manifest["kind"]]):
        values = manifest.get(field)
        if isinstance(values, Mapping):
            encoded = field == _ENCODED_FIELD[manifest["kind"]]
            for key, value in values.items():
                yield from _value_problems((field, key), key, value, encoded=encoded)
        elif values is not None:
            yield FieldProblem(
                (field,), "must be a map from keys to text", "Write KEY: VALUE lines below it."
            )


def content(manifest: Mapping[str, Any]) -> Content:
    """Return what a plan may know of a ConfigMap or Secret without problems."""
    texts: Mapping[str, str] = manifest.get(_TEXT_FIELD[manifest["kind"]]) or {}
    encoded = manifest.get(_ENCODED_FIELD[manifest["kind"]]) or {}
    decoded = {key: _decoded(value) for key, value in encoded.items()}
    digest = content_digest({**decoded, **texts})
    return Content(digest, texts) if manifest["kind"] == "ConfigMap" else Content(digest)


def _value_problems(path: tuple[str, str], key: str, value: Any, *, encoded: bool) -> Iterator[FieldProblem]:
    if fault := key_fault(key):
        yield FieldProblem(path, fault.message, fault.cure)
    if not isinstance(value, str):
        yield FieldProblem(path, "the value is not text", "Put it in quotes.")
    elif encoded:
        try:
            _decoded(value)
        except (binascii.Error, ValueError):
            plain = "stringData" if path[0] == "data" else "data"
            yield FieldProblem(path, "the value is not base64", f"Encode it, or use {plain}.")


def _decoded(value: str) -> bytes:
    """Decode base64 as Kubernetes does: line breaks do not count."""
    return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
