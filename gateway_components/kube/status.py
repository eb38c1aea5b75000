"""Writes the status of custom resources."""

from collections.abc import Mapping
from typing import Any

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import Resource

__all__ = ["write_status", "wrote_conditions"]

_MANAGER = "litellm-gateways"
"""Owner of the statuses that are written here: fixed, so that the next daemon knows them as its own."""

_CONFLICT = 409
_NOT_FOUND = 404


async def write_status(
    client: KubeClient, resource: Resource, metadata: Mapping[str, Any], status: Mapping[str, Any]
) -> bool:
    """Merge `status` into the status of an object through its status subresource.

    Parameters
    ----------
    client, resource
        Where the object is.
    metadata
        Metadata of the object that the status was computed from: its name, and the version that must still be
        current.
    status
        The fields to write; of ``conditions`` all that it is to have.

    Returns
    -------
    bool
        False where the object has changed or gone meanwhile, and nothing was written: a new event will come.
    """
    path = resource.item(metadata["namespace"], metadata["name"]) + "/status"
    body = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": dict(status)}
    try:
        await client.merge_patch(path, body, manager=_MANAGER)
    except ApiError as error:
        if error.status in (_CONFLICT, _NOT_FOUND):
            return False
        raise
    return True


def wrote_conditions(metadata: Mapping[str, Any]) -> bool:
    """Tell whether the conditions of an object were last written by `write_status`, of this process or another.

    Parameters
    ----------
    metadata
        Its metadata with ``managedFields``, in which the API server notes who wrote what.
    """
    ours = (entry for entry in metadata.get("managedFields") or () if entry.get("manager") == _MANAGER)
    return any("f:conditions" in (entry.get("fieldsV1") or {}).get("f:status", {}) for entry in ours)
