"""Digests that make Kubernetes roll a Deployment when its configuration or its Secrets change."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_components.plan.keys import Reference

__all__ = ["EMPTY_DIGEST", "config_hash", "content_digest", "env_hash", "object_digest"]


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


EMPTY_DIGEST = _short(b"")
"""Digest of a Secret that does not exist (spec, "Objects")."""


def config_hash(config_yaml: str) -> str:
    """Return the first 16 hex digits of SHA-256 of ``config.yaml``.

    Source: operator-reference, "Pod restart annotation".
    """
    return _short(config_yaml.encode())


def content_digest(data: Mapping[str, bytes | str]) -> str:
    """Return 16 hex digits of SHA-256 over the sorted keys and values of a Secret or ConfigMap."""
    digest = hashlib.sha256()
    for key in sorted(data):
        value = data[key]
        digest.update(key.encode())
        digest.update(value.encode() if isinstance(value, str) else value)
    return digest.hexdigest()[:16]


def env_hash(digests: Iterable[tuple[Reference, str]]) -> str:
    """Return 16 hex digits over the content of all referenced objects, whatever order they come in."""
    lines = sorted(f"{reference.kind}/{reference.name}={digest}\n" for reference, digest in digests)
    return _short("".join(lines).encode())


def object_digest(*objects: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON objects; equal iff they are equal."""
    text = json.dumps(objects, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
