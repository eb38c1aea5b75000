"""The engine's state as data: what it says was applied, which nothing else records, and how it stands in a file."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from gateway_components.components.naming import gateway_of
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.plan.keys import GatewayKey, ObjectKey
from gateway_components.plan.ownership import Applied, mark_of
from gateway_components.plan.workload import objects_digest

__all__ = [
    "PROJECT",
    "Held",
    "StateUnreadableError",
    "applied_gateways",
    "check_stack",
    "encryption_salt",
    "read_checkpoint",
    "whole_checkpoint",
    "without_gateways",
]

PROJECT = "litellm-gateways"
"""Name of the Pulumi project whose stacks the daemon keeps, one per namespace."""

Held = Mapping[GatewayKey, Applied | None]
"""The gateways of a state; None for one whose objects are not all known."""

_KINDS = ("ConfigMap", "Deployment", "Service")
"""In the order of `GatewayObjects.manifests`."""


def read_checkpoint(checkpoint: bytes) -> dict[str, Any]:
    """Return the deployment in a checkpoint, as the engine's file backend writes it, or ``pulumi stack export``.

    Operations that an earlier run left pending are dropped: what they made is adopted by the next run.

    Raises
    ------
    StateUnreadableError
        It holds none.
    """
    try:
        whole = json.loads(checkpoint)
        deployment = whole["checkpoint"]["latest"] if "checkpoint" in whole else whole["deployment"]
        resources = (deployment or {}).get("resources") or []
        _ = [(resource["urn"].encode(), resource["type"].encode()) for resource in resources]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"this is no state of Pulumi: {type(error).__name__}: {error}"
        raise StateUnreadableError(message) from None
    return {key: value for key, value in (deployment or {}).items() if key != "pending_operations"}


def check_stack(deployment: Mapping[str, Any], stack: str) -> None:
    """Refuse a deployment of another stack: every run on it would fail.

    Raises
    ------
    StateUnreadableError
        It belongs to another one.
    """
    own = f"urn:pulumi:{stack}::{PROJECT}::"
    foreign = [one["urn"] for one in deployment.get("resources") or () if not one["urn"].startswith(own)]
    if foreign:
        message = f"this is the state of another stack than {stack}: it holds {foreign[0]}"
        raise StateUnreadableError(message)


def whole_checkpoint(stack: str, deployment: Mapping[str, Any] | None) -> bytes:
    """Return the checkpoint of a deployment, or of none yet, as the engine's file backend reads it."""
    checkpoint = {"stack": f"organization/{PROJECT}/{stack}", "latest": deployment}
    return json.dumps({"version": 3, "checkpoint": checkpoint}, separators=(",", ":")).encode()


def encryption_salt(deployment: Mapping[str, Any]) -> str | None:
    """Return the salt that belongs to the passphrase of a deployment; None where it has none."""
    state = (deployment.get("secrets_providers") or {}).get("state") or {}
    salt: str | None = state.get("salt")
    return salt


def applied_gateways(
    deployment: Mapping[str, Any], only: Collection[GatewayKey] | None = None
) -> dict[GatewayKey, Applied | None]:
    """Return what a deployment holds of each gateway, or of some."""
    resources: dict[GatewayKey, dict[str, Mapping[str, Any]]] = {}
    for resource in deployment.get("resources") or ():
        key = gateway_of(resource["urn"])
        if key is None or (only is not None and key not in only):
            continue
        parts = resources.setdefault(key, {})
        # One with errors exists, and was not brought to its inputs.
        if resource.get("custom") and not resource.get("delete") and not resource.get("initErrors"):
            parts[resource["type"].rpartition(":")[2].removesuffix("Patch")] = resource
    return {key: _applied(parts) for key, parts in resources.items()}


def without_gateways(deployment: Mapping[str, Any], keys: Iterable[GatewayKey]) -> dict[str, Any]:
    """Return a deployment without the resources of some gateways."""
    dropped = frozenset(keys)
    resources = [one for one in deployment.get("resources") or () if gateway_of(one["urn"]) not in dropped]
    return {**deployment, "resources": resources}


def _applied(parts: Mapping[str, Mapping[str, Any]]) -> Applied | None:
    try:
        resources = [parts[kind] for kind in _KINDS]
        manifests = [resource["inputs"] for resource in resources]
        owners: Sequence[Mapping[str, Any]] = manifests[0]["metadata"].get("ownerReferences") or ({},)
        marks = {
            _key(manifest): mark_of(_metadata(resource))
            for manifest, resource in zip(manifests, resources, strict=True)
        }
    except (KeyError, TypeError):
        # Something is missing, as after a run that failed halfway.
        return None
    return Applied(owners[0].get("uid"), objects_digest(*manifests), marks)


def _metadata(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata: Mapping[str, Any] = resource["outputs"]["metadata"]
    return metadata


def _key(manifest: Mapping[str, Any]) -> ObjectKey:
    metadata = manifest["metadata"]
    return ObjectKey(manifest["kind"], metadata["namespace"], metadata["name"])
