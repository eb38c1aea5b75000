"""ConfigMaps and Secrets that stand beside gateways in manifest files."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, Secret

__all__ = ["companion"]

_COPY = "kubectl.kubernetes.io/last-applied-configuration"
"""Where kubectl keeps what it applied: in a Secret read back from a cluster, its values in clear."""


def companion(manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> ConfigMap | Secret:
    """Register a ConfigMap or a Secret as its manifest describes it; values of a Secret stay encrypted in state."""
    metadata = (
        manifest["metadata"] if manifest["kind"] == "ConfigMap" else _without_copy(manifest["metadata"])
    )
    name = f"{metadata['namespace']}/{metadata['name']}"
    immutable = manifest.get("immutable")
    if manifest["kind"] == "ConfigMap":
        data, binary_data = manifest.get("data"), manifest.get("binaryData")
        return ConfigMap(
            name, opts, metadata=metadata, data=data, binary_data=binary_data, immutable=immutable
        )
    return Secret(
        name,
        opts,
        metadata=metadata,
        data=_hidden(manifest.get("data")),
        string_data=_hidden(manifest.get("stringData")),
        type=manifest.get("type"),
        immutable=immutable,
    )


def _without_copy(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    annotations = metadata.get("annotations")
    if not annotations or _COPY not in annotations:
        return metadata
    return {**metadata, "annotations": {key: text for key, text in annotations.items() if key != _COPY}}


def _hidden(values: Any) -> Any:
    return None if values is None else pulumi.Output.secret(values)
