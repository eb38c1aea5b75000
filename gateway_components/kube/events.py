"""Publishes events (events.k8s.io) about objects."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway_components.kube.client import KubeClient
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
    """Create an event about `regarding` (a raw object) at the time `now` (RFC 3339, microseconds)."""
    metadata = regarding["metadata"]
    namespace = metadata.get("namespace", "default")
    await client.create(
        EVENTS.collection(namespace),
        {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name'][:200]}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
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
