"""The engine's state as data: what was applied, which nothing else records, and its form in a file."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from gateway_components.api.kinds import OWNED_KINDS
from gateway_components.components.naming import gateway_of
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.identity import Identity
from gateway_components.plan.objects import objects_digest
from gateway_components.plan.ownership import Applied, mark_of

PROJECT = "litellm-gateways"
"""The Pulumi project of the daemon's stacks, one per namespace."""

Held = Mapping[Identity, Applied | None]
"""The gateways of a state; None for one whose objects are incomplete."""


def read_checkpoint(checkpoint: bytes) -> dict[str, Any]:
    """Return the deployment in a checkpoint of the engine's file backend, or in that of ``pulumi stack export``.

    Pending operations of an earlier run are dropped: the next run adopts what they created. A StateUnreadableError
    where it holds none.
    """
    try:
        whole = json.loads(checkpoint)
        deployment = whole["checkpoint"]["latest"] if "checkpoint" in whole else whole["deployment"]
        resources = (deployment or {}).get("resources") or []
        _ = [(resource["urn"].encode(), resource["type"].encode()) for resource in resources]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"this is not a Pulumi state: {type(error).__name__}: {error}"
        raise StateUnreadableError(message) from None
    return {key: value for key, value in (deployment or {}).items() if key != "pending_operations"}


def whole_checkpoint(stack: str, deployment: Mapping[str, Any] | None) -> bytes:
    """Return the checkpoint of a deployment, or of none yet, as the engine's file backend reads it."""
    return checkpoint_of(stack, json.dumps(deployment, separators=(",", ":")))


def checkpoint_of(stack: str, deployment: str) -> bytes:
    """Return the checkpoint of a deployment in JSON."""
    name = json.dumps(f"organization/{PROJECT}/{stack}")
    return f'{{"version":3,"checkpoint":{{"stack":{name},"latest":{deployment}}}}}'.encode()


def encryption_salt(deployment: Mapping[str, Any]) -> str | None:
    """Return the salt of a deployment's passphrase, if it has one."""
    state = (deployment.get("secrets_providers") or {}).get("state") or {}
    salt: str | None = state.get("salt")
    return salt


def applied_gateways(
    deployment: Mapping[str, Any], only: Collection[Identity] | None = None
) -> dict[Identity, Applied | None]:
    """Return the applied state of all gateways in a deployment, or of some."""
    resources: dict[Identity, dict[str, Mapping[str, Any]]] = {}
    for resource in deployment.get("resources") or ():
        key = gateway_of(resource["urn"])
        if key is None or (only is not None and key not in only):
            continue
        parts = resources.setdefault(key, {})
        # A resource with errors exists, but its inputs are not applied.
        if resource.get("custom") and not resource.get("delete") and not resource.get("initErrors"):
            parts[resource["type"].rpartition(":")[2].removesuffix("Patch")] = resource
    return {key: _applied(parts) for key, parts in resources.items()}


def without_gateways(deployment: Mapping[str, Any], keys: Iterable[Identity]) -> dict[str, Any]:
    """Return a deployment without the resources of some gateways."""
    dropped = frozenset(keys)
    resources = [one for one in deployment.get("resources") or () if gateway_of(one["urn"]) not in dropped]
    return {**deployment, "resources": resources}


def _applied(parts: Mapping[str, Mapping[str, Any]]) -> Applied | None:
    try:
        resources = [parts[kind] for kind in OWNED_KINDS]
        manifests = [resource["inputs"] for resource in resources]
        owners: Sequence[Mapping[str, Any]] = manifests[0]["metadata"].get("ownerReferences") or ({},)
        marks = {
            Identity.of(manifest): mark_of(_metadata(resource))
            for manifest, resource in zip(manifests, resources, strict=True)
        }
        return Applied(owners[0].get("uid"), objects_digest(*manifests), marks)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        # An object is missing, as after a failed run, or has a form that is no longer planned.
        return None


def _metadata(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata: Mapping[str, Any] = resource["outputs"]["metadata"]
    return metadata
