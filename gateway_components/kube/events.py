"""Publishes events (events.k8s.io) about objects."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

from gateway_components.kube.client import KubeClient
from gateway_components.kube.conflict import retry_on_conflict
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import EVENTS

__all__ = ["Event", "publish"]

_NOTE_BYTES = 1024
"""The API server refuses a longer note."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object.

    Attributes
    ----------
    type
        ``Normal`` or ``Warning``.
    reason
        One word in CamelCase.
    action
        What was being done, one word.
    note
        The same in a sentence; cut to what an event can hold.
    """

    type: Literal["Normal", "Warning"]
    reason: str
    action: str
    note: str


async def publish(
    client: KubeClient, controller: str, regarding: Mapping[str, Any], event: Event, now: str
) -> None:
    """Tell of an event about `regarding` (a raw object) at the time `now` (RFC 3339, microseconds).

    The name of the event follows from the object, the reason and the note. So one that is there already, perhaps of
    an earlier daemon, is counted in its series instead of being told a second time.

    Raises
    ------
    ApiError, ApiUnreachableError
        It could not be written.
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


async def _count(client: KubeClient, path: str, now: str) -> None:
    existing = await client.get(path)
    # One that expired this moment needs no count.
    if existing is not None:
        counted = (existing.get("series") or {}).get("count")
        count = (counted if isinstance(counted, int) else 1) + 1
        series = {"count": count, "lastObservedTime": now}
        version = existing["metadata"]["resourceVersion"]
        await client.merge_patch(path, {"metadata": {"resourceVersion": version}, "series": series})


def _name(metadata: Mapping[str, Any], event: Event) -> str:
    said = "\0".join((metadata["uid"], event.reason, event.note))
    # What is cut off may leave an end that no part of a name has.
    return f"{metadata['name'][:200].rstrip('-.')}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"
