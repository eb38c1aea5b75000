"""Writes the status of custom resources."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import Resource

__all__ = ["write_conditions"]

_CONFLICT = 409
_NOT_FOUND = 404


async def write_conditions(
    client: KubeClient,
    resource: Resource,
    metadata: Mapping[str, Any],
    conditions: Sequence[Mapping[str, Any]],
) -> bool:
    """Write ``status.conditions`` of an object through its status subresource.

    Parameters
    ----------
    client, resource
        Where the object is.
    metadata
        Metadata of the object that the conditions were computed from: its name, and the version that must
        still be current.
    conditions
        All conditions it is to have.

    Returns
    -------
    bool
        False where the object has changed or gone meanwhile, and nothing was written: a new event will come.
    """
    path = resource.item(metadata["namespace"], metadata["name"]) + "/status"
    body = {
        "metadata": {"resourceVersion": metadata["resourceVersion"]},
        "status": {"conditions": list(conditions)},
    }
    try:
        await client.merge_patch(path, body)
    except ApiError as error:
        if error.status in (_CONFLICT, _NOT_FOUND):
            return False
        raise
    return True
