"""Writes statuses of objects, and records events (events.k8s.io) about them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, retry_on_conflict
from gateway_components.kube.resources import EVENTS, ApiPath, Resource
from gateway_components.plan.ownership import FIELD_MANAGER, is_ours, managed_fields

_STATUS_FIELDS = frozenset(("f:conditions", "f:observedGeneration", "f:url"))
_NOTE_BYTES = 1024
"""The API server's limit."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object: a reason and an action in one word each, and a note in a sentence.

    The type is ``Normal`` or ``Warning``; the note is truncated to the API server's limit.
    """

    type: Literal["Normal", "Warning"]
    reason: str
    action: str
    note: str


async def publish(
    client: KubeClient, controller: str, regarding: Mapping[str, Any], event: Event, now: str
) -> None:
    """Record an event about `regarding` (a raw object) at the time `now` (RFC 3339, microseconds).

    Its name is derived from object, reason and note. So a repetition, even by another daemon, is counted in the series
    of the first event.

    Raises ApiError or ApiUnreachableError: it could not be written.
    """
    metadata = regarding["metadata"]
    namespace = metadata.get("namespace", "default")
    name = _name(metadata, event)
    try:
        await client.create(
            EVENTS.collection(namespace),
            {
                "apiVersion": "events.k8s.io/v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "regarding": {
                    "apiVersion": regarding["apiVersion"],
                    "kind": regarding["kind"],
                    "name": metadata["name"],
                    "namespace": namespace,
                    "uid": metadata["uid"],
                    "resourceVersion": metadata["resourceVersion"],
                },
                "type": event.type,
                "reason": event.reason,
                "action": event.action,
                "note": event.note.encode()[:_NOTE_BYTES].decode(errors="ignore"),
                "eventTime": now,
                "reportingController": controller,
                "reportingInstance": controller.rsplit("/", 1)[-1][:128],
            },
        )
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        await retry_on_conflict(partial(_count, client, EVENTS.item(namespace, name), now))


async def write_status(
    client: KubeClient, resource: Resource, metadata: Mapping[str, Any], status: Mapping[str, Any]
) -> bool:
    """Merge `status`, with all ``conditions``, into the status of an object through its status subresource.

    `metadata` is that of the object that the status was computed from; its version must still be current. Return False
    where the object changed or is gone, and nothing was written: a new event follows.
    """
    path = resource.item(metadata["namespace"], metadata["name"], "status")
    body = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": dict(status)}
    try:
        await client.merge_patch(path, body, manager=FIELD_MANAGER)
    except ApiError as error:
        if error.status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
            return False
        raise
    return True


def owned_fields(metadata: Mapping[str, Any]) -> frozenset[str]:
    """Return those fields that `write_status` writes which it wrote last, in this process or another."""
    return frozenset(
        field.removeprefix("f:")
        for entry in filter(is_ours, managed_fields(metadata))
        if isinstance(fields := entry.get("fieldsV1"), Mapping)
        for field in fields.get("f:status") or ()
        # Whoever writes in our name may write thousands of others.
        if field in _STATUS_FIELDS
    )


async def _count(client: KubeClient, path: ApiPath, now: str) -> None:
    existing = await client.get(path)
    # It may have expired meanwhile.
    if existing is not None:
        counted = (existing.get("series") or {}).get("count")
        count = (counted if isinstance(counted, int) else 1) + 1
        series = {"count": count, "lastObservedTime": now}
        version = existing["metadata"]["resourceVersion"]
        await client.merge_patch(path, {"metadata": {"resourceVersion": version}, "series": series})


def _name(metadata: Mapping[str, Any], event: Event) -> str:
    said = "\0".join((metadata["uid"], event.reason, event.note))
    # The truncation must not end a label with a dash or a dot.
    return f"{metadata['name'][:200].rstrip('-.')}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"
