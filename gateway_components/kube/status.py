"""Writes the status of custom resources."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import Resource
from gateway_components.plan.ownership import FIELD_MANAGER

__all__ = ["owned_fields", "write_status"]


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
        await client.merge_patch(path, body, manager=FIELD_MANAGER)
    except ApiError as error:
        if error.status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
            return False
        raise
    return True


def owned_fields(metadata: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields of a status that were last written by `write_status`, of this process or another.

    Parameters
    ----------
    metadata
        Metadata of the object with ``managedFields``, in which the API server notes who wrote what.
    """
    ours = (entry for entry in metadata.get("managedFields") or () if entry.get("manager") == FIELD_MANAGER)
    return frozenset(
        field.removeprefix("f:")
        for entry in ours
        for field in (entry.get("fieldsV1") or {}).get("f:status", {})
        if field != "."
    )
