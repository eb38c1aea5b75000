"""Why the pods of a Deployment do not come: read from the cluster, as far as it may be shown."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import PODS, REPLICA_SETS, Resource
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.rollout import StallReason

__all__ = ["PodReader", "pod_reasons"]

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

    A pod counts only where the API server says that the Deployment's own ReplicaSet controls it: others may have the
    same labels.

    Parameters
    ----------
    client
        The cluster.
    """

    def __init__(self, client: FencedClient) -> None:
        self._client = client

    async def read(self, gateway: GatewayKey, deployment: str) -> tuple[StallReason, ...]:
        """Return why the pods of a gateway do not come, sorted, each reason once.

        Parameters
        ----------
        gateway
            Whose pods.
        deployment
            UID of its Deployment.

        Raises
        ------
        ApiError, ApiUnreachableError
            The cluster could not be read.
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
    return int(text) if text.isdecimal() else 0


def _text(mapping: Raw, key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Raw:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> Iterator[Raw]:
    return (entry for entry in value if isinstance(entry, Mapping)) if isinstance(value, list) else iter(())
