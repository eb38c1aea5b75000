"""Leader election by a Lease (coordination.k8s.io): acquire it, renew it, release it.

The rules are those of client-go (``tools/leaderelection``). The one in kubernetes_asyncio trusts the wall clock, has no
time limit on requests, never releases, and loads 35 MB of models.
"""

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, MalformedAnswerError
from gateway_components.kube.resources import LEASES, ApiPath
from gateway_components.plan.ownership import FIELD_MANAGER

LEASE = "litellm-gateways"
"""Name of the Lease of leader election."""

_RELEASED_SECONDS = 1
"""Duration in a released Lease. With a longer one, a person removed the holder, who may still act."""
_MARKS = ("holderIdentity", "renewTime")
"""Fields that distinguish the writes of two candidates, even under one name."""


_TYPES = {
    "holderIdentity": str,
    "leaseDurationSeconds": int,
    "leaseTransitions": int,
    "renewTime": str,
    "acquireTime": str,
}
"""Types of the fields of a Lease."""


class LeaseTakenError(GatewayError):
    """Somebody else holds the Lease."""


class Lease:
    """One Lease, as last observed; each method raises ApiError or ApiUnreachableError where a request fails.

    Timestamps of others are ignored: a Lease expires once it was observed unchanged for its duration.

    Parameters
    ----------
    identity
        Our name, which no other process has.
    predecessor
        Name of a process that is known to be dead: its Lease is acquired at once. Empty for none.
    seconds
        Duration of the Lease, in whole seconds.
    now
        Monotonic clock in seconds that keeps counting during suspend.
    timestamp
        Wall clock (RFC 3339, microseconds), for people to read.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        identity: str,
        *,
        predecessor: str = "",
        seconds: int,
        now: Callable[[], float],
        timestamp: Callable[[], str],
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._ours = {identity, predecessor} - {""}
        self._seconds = seconds
        self._now = now
        self._timestamp = timestamp
        self._stored: Mapping[str, Any] = {}
        self._seen: Mapping[str, Any] | None = None
        self._seen_at = now()
        self._unanswered: set[tuple[Any, ...]] = set()

    def __str__(self) -> str:
        return f"{self._namespace}/{self._name}"

    @property
    def holder(self) -> str:
        """Who held it when it was last observed; empty for nobody."""
        return (self._seen or {}).get("holderIdentity") or ""

    async def take(self) -> float | None:
        """Acquire the Lease; return when its duration begins, or None if somebody else holds it."""
        stored = await self._client.get(self._path)
        # This answer settles all earlier writes.
        self._unanswered.clear()
        if stored is not None:
            self._look(stored)
        # A deleted Lease may still be held: its holder learns of it at the next renewal.
        if not self._free():
            return None
        sent = self._now()
        turns = (self._seen or {}).get("leaseTransitions") or 0
        spec = self._claim() | {
            "acquireTime": self._timestamp(),
            "leaseTransitions": turns + (self._seen is not None and self.holder != self._identity),
        }
        try:
            await (self._create(spec) if stored is None else self._write(spec))
        except ApiError as error:
            # Without a Lease, a 404 means that the namespace is missing.
            if error.status == HTTPStatus.CONFLICT or (stored is not None and _changed(error)):
                return None
            raise
        return sent

    async def renew(self) -> float:
        """Renew the Lease, and return when its new duration begins.

        Raises LeaseTakenError: somebody else wrote it, and may hold it.
        """
        sent = self._now()
        await self._write_own(self._claim())
        return sent

    async def release(self) -> None:
        """Release the Lease, so that others need not wait; for its holder only.

        Raises LeaseTakenError: somebody else holds it already.
        """
        released = {"holderIdentity": None, "leaseDurationSeconds": _RELEASED_SECONDS}
        await self._write_own(self._claim() | released)

    @property
    def _path(self) -> ApiPath:
        return LEASES.item(self._namespace, self._name)

    async def _write_own(self, spec: Mapping[str, Any]) -> None:
        try:
            await self._write(spec)
        except ApiError as error:
            if not _changed(error):
                raise
            await self._look_again()
            # It is still ours, so the conflict is passing.
            await self._write(spec)

    async def _look_again(self) -> None:
        # A write may have succeeded though its answer was lost, and anybody may add a label.
        ours = {_marks(self._seen or {})} | self._unanswered
        stored = await self._client.get(self._path)
        if stored is None:
            stored = await self._recreate()
        if stored is None:
            return
        self._look(stored)
        if _marks(stored.get("spec") or {}) not in ours:
            raise LeaseTakenError(f"the Lease {self} was written by somebody else")

    async def _recreate(self) -> dict[str, Any] | None:
        # Deleted by a person: whoever creates it first holds it.
        try:
            await self._create({**(self._seen or {}), **self._claim()})
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return await self._client.get(self._path)
        return None

    def _free(self) -> bool:
        seen = self._seen
        if seen is None or self.holder in self._ours:
            return True
        seconds = seen.get("leaseDurationSeconds") or 0
        if not self.holder and seconds <= _RELEASED_SECONDS:
            return True
        return self._now() - self._seen_at > (seconds or self._seconds)

    def _look(self, stored: Mapping[str, Any]) -> None:
        spec = stored.get("spec") or {}
        if not all(spec.get(name) is None or isinstance(spec[name], type_) for name, type_ in _TYPES.items()):
            raise MalformedAnswerError("a Lease has fields of the wrong type")
        self._stored = stored
        if spec != self._seen:
            self._seen, self._seen_at = spec, self._now()

    def _claim(self) -> dict[str, Any]:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._seconds,
            "renewTime": self._timestamp(),
        }

    async def _create(self, spec: Mapping[str, Any]) -> None:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": spec,
        }
        await self._send(spec, self._client.create(LEASES.collection(self._namespace), body))

    async def _write(self, spec: Mapping[str, Any]) -> None:
        metadata = self._stored["metadata"]
        # The uid guards against one that was deleted and created again.
        version = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        body = {"metadata": version, "spec": spec}
        await self._send(spec, self._client.merge_patch(self._path, body, manager=FIELD_MANAGER))

    async def _send(self, spec: Mapping[str, Any], request: Coroutine[Any, Any, dict[str, Any]]) -> None:
        self._unanswered.add(_marks(spec))
        self._look(await request)
        self._unanswered.clear()


def _changed(error: ApiError) -> bool:
    return error.status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND)


def _marks(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(spec.get(mark) for mark in _MARKS)
