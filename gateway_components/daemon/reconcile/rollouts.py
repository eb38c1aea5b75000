"""Why rollouts make no progress: reads the pods of gateways that are not ready, with a back-off."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import structlog

from gateway_components.backoff import Backoff
from gateway_components.identity import Identity
from gateway_components.kube.decoding import is_version
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import PODS, REPLICA_SETS, Resource
from gateway_components.plan.status import Rollout, StallReason

_FIRST_SECONDS = 2.0
"""Most pods start faster if the node has their image; then they are never read."""
_LONGEST_SECONDS = 60.0
_MOST_LOOKS = 20
"""Gateways whose pods are read in one reconcile; the others wait for the next one."""

ReadReasons = Callable[[Identity, str], Awaitable[tuple[StallReason, ...]]]
"""Reads why the pods of a gateway, whose Deployment has a UID, do not come."""


@dataclass(slots=True)
class _Look:
    rollout: Rollout
    due: float
    pauses: Backoff = field(default_factory=lambda: Backoff(_FIRST_SECONDS, _LONGEST_SECONDS))
    reasons: tuple[StallReason, ...] = ()


class StalledRollouts:
    """Finds out why rollouts of a namespace make no progress.

    A change of the Deployment asks for a reconcile by itself. What happens to its pods often changes nothing in it.
    """

    def __init__(self, read: ReadReasons) -> None:
        self._read = read
        self._looks: dict[Identity, _Look] = {}
        self._log = structlog.get_logger()

    async def explain(self, rollouts: Mapping[Identity, Rollout], now: float) -> dict[Identity, Rollout]:
        """Return all rollouts, with what is known at `now` (seconds) of why they make no progress.

        Pods that cannot be read are no error: the reason says which right is missing.
        """
        looks = {
            key: _next_look(self._looks.get(key), rollout, now)
            for key, rollout in rollouts.items()
            if rollout.uid and rollout.current and not rollout.complete
        }
        due = sorted((key for key, look in looks.items() if look.due <= now), key=lambda key: looks[key].due)
        async with asyncio.TaskGroup() as group:
            for key in due[:_MOST_LOOKS]:
                group.create_task(self._look(key, looks[key], now))
        for key in due[_MOST_LOOKS:]:
            looks[key].due = now + _FIRST_SECONDS
        self._looks = looks
        return {
            key: replace(rollout, reasons=(*rollout.reasons, *looks[key].reasons))
            if key in looks
            else rollout
            for key, rollout in rollouts.items()
        }

    @property
    def due(self) -> float | None:
        """When (seconds) the next look at pods is due; None where all gateways are ready."""
        return min((look.due for look in self._looks.values()), default=None)

    def is_looked_at(self, key: Identity) -> bool:
        """Return whether the pods of a gateway are looked at again, as its rollout made no progress so far."""
        return key in self._looks

    async def _look(self, key: Identity, look: _Look, now: float) -> None:
        try:
            look.reasons = await self._read(key, look.rollout.uid)
        except ApiError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                look.reasons = (StallReason("PodsNotReadable", message=str(error)),)
            else:
                self._log.warning("pods not read", gateway=str(key), error=str(error))
        except ApiUnreachableError as error:
            self._log.warning("pods not read", gateway=str(key), error=str(error))
        look.due = now + look.pauses.next()


def _next_look(known: _Look | None, rollout: Rollout, now: float) -> _Look:
    if known is None or known.rollout.deployment != rollout.deployment:
        look = _Look(rollout, now)
        look.due += look.pauses.next()
        return look
    if known.rollout != rollout:
        # Something happened, so that there may be something else to see.
        known.pauses.reset()
        known.due = min(known.due, now + known.pauses.next())
        known.rollout = rollout
    return known


_REVISION = "deployment.kubernetes.io/revision"
_TEMPLATE = "pod-template-hash"
_MOST_OBJECTS = 50
"""More are not read of one gateway: pods of one template come to grief in the same ways."""

_CRASHING = "CrashLoopBackOff"
_NO_IMAGE = "ImagePullBackOff"
_PULLING = frozenset({_NO_IMAGE, "ErrImagePull"})
"""Take turns, as does a container that crashes; one word for both keeps the condition still."""
_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
_IMAGE_REASONS = frozenset(
    {"ErrImageNeverPull", "ImageInspectError", "InvalidImageName", "RegistryUnavailable"}
)
_SHOWN_MESSAGES = frozenset({"CreateContainerConfigError"})
"""These name keys and objects alone. What a terminated container says is its own output, and may hold a secret."""

Raw = Mapping[str, Any]


class PodReader:
    """Reads the pods of the newest template of a Deployment.

    Only pods that the Deployment's own ReplicaSet controls count: others may have the same labels.
    """

    def __init__(self, client: FencedClient) -> None:
        self._client = client

    async def read(self, gateway: Identity, deployment: str) -> tuple[StallReason, ...]:
        """Return why the pods of a gateway, whose Deployment has the UID `deployment`, do not come: sorted, each once.

        Raises ApiError or ApiUnreachableError: the cluster could not be read.
        """
        labels = {"app": gateway.name}
        sets = await self._page(REPLICA_SETS, gateway.namespace, labels, metadata_only=True)
        newest = max(_controlled(sets, deployment), key=_revision, default=None)
        if newest is None:
            return ()
        template = _text(_mapping(newest["metadata"].get("labels")), _TEMPLATE)
        selector = {**labels, _TEMPLATE: template} if template else labels
        pods = await self._page(PODS, gateway.namespace, selector)
        found = {
            reason
            for pod in _controlled(pods, _text(newest["metadata"], "uid"))
            for reason in pod_reasons(pod)
        }
        return tuple(sorted(found, key=str))

    async def _page(
        self, resource: Resource, namespace: str, labels: Mapping[str, str], *, metadata_only: bool = False
    ) -> list[dict[str, Any]]:
        pages = self._client.pages(
            resource.collection(namespace), metadata_only=metadata_only, labels=labels, size=_MOST_OBJECTS
        )
        page, _ = await anext(pages)
        return page


def pod_reasons(pod: Raw) -> Iterator[StallReason]:
    """Yield why a pod does not serve; nothing for one that serves, or starts as it should."""
    status = _mapping(pod.get("status"))
    if status.get("phase") == "Failed" and _text(status, "reason"):
        yield StallReason(_text(status, "reason"))
    for condition in _mappings(status.get("conditions")):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield StallReason(_text(condition, "reason"), message=_text(condition, "message"))
    for name, init in (("initContainerStatuses", True), ("containerStatuses", False)):
        for container in _mappings(status.get(name)):
            if not container.get("ready"):
                yield from _container_reasons(container, init=init)


def _container_reasons(container: Raw, *, init: bool) -> Iterator[StallReason]:
    name, state = _text(container, "name"), _mapping(container.get("state"))
    waiting, ended = _mapping(state.get("waiting")), _mapping(state.get("terminated"))
    ended_before = ended or _mapping(_mapping(container.get("lastState")).get("terminated"))
    reason = _text(waiting, "reason")
    if reason == _CRASHING or (container.get("restartCount") and ended_before):
        how = _text(ended_before, "reason")
        yield StallReason(_CRASHING, name, init, ended=how, exit_code=_exit_code(ended_before))
    elif ended and not (init and _exit_code(ended) == 0):
        yield StallReason(_text(ended, "reason"), name, init, exit_code=_exit_code(ended))
    elif reason in _PULLING | _IMAGE_REASONS:
        shown = _NO_IMAGE if reason in _PULLING else reason
        yield StallReason(shown, name, init, message=f"image {_text(container, 'image')}")
    elif reason not in _STARTING:
        message = _text(waiting, "message") if reason in _SHOWN_MESSAGES else ""
        yield StallReason(reason, name, init, message=message)


def _exit_code(ended: Raw) -> int | None:
    code = ended.get("exitCode")
    return code if isinstance(code, int) else None


def _controlled(objects: list[Any], uid: str) -> Iterator[Raw]:
    """Yield those of `objects` that the object with `uid` controls, and that are not being deleted."""
    for found in _mappings(objects):
        metadata = _mapping(found.get("metadata"))
        owners = _mappings(metadata.get("ownerReferences"))
        if "deletionTimestamp" not in metadata and any(
            owner.get("controller") and owner.get("uid") == uid for owner in owners
        ):
            yield found


def _revision(replica_set: Raw) -> int:
    text = _text(_mapping(replica_set["metadata"].get("annotations")), _REVISION)
    # Python reads no number of thousands of digits, which anybody may write there.
    return int(text) if is_version(text) else 0


def _text(mapping: Raw, key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Raw:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> Iterator[Raw]:
    return (entry for entry in value if isinstance(entry, Mapping)) if isinstance(value, list) else iter(())
