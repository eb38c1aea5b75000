"""A Lease (coordination.k8s.io) as one of its candidates sees it: takes it, renews it, gives it back.

The rules are those of client-go (``tools/leaderelection``). Its relative in kubernetes_asyncio trusts the time of day,
waits for a silent API server without end, gives nothing back, and loads 35 MB of models.
"""

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, MalformedAnswerError
from gateway_components.kube.resources import LEASES
from gateway_components.plan.ownership import FIELD_MANAGER

__all__ = ["Lease", "LeaseTakenError"]

_RELEASED_SECONDS = 1
"""Duration in a Lease that was given back. One with a longer one lost its holder by hand, who may still act."""
_MARKS = ("holderIdentity", "renewTime")
"""What tells the writes of two candidates apart, even where they go by one name."""


_TYPES = {
    "holderIdentity": str,
    "leaseDurationSeconds": int,
    "leaseTransitions": int,
    "renewTime": str,
    "acquireTime": str,
}
"""Types of the fields of a Lease."""


class LeaseTakenError(GatewayError):
    """The Lease is somebody else's by now."""


class Lease:
    """One Lease, and what was last seen of it.

    Times that others wrote count for nothing: a Lease has expired when it was seen unchanged for its duration.

    Parameters
    ----------
    client
        The cluster.
    namespace, name
        Which Lease.
    identity
        Who holds it while it is ours, unlike any other process.
    predecessor
        Who is known to be dead: a Lease that bears this name is taken at once. Empty for nobody.
    seconds
        How long others wait for a sign of life, whole ones.
    now
        Returns seconds that go on evenly, also while this process or its machine sleeps.
    timestamp
        Returns the time of day (RFC 3339, microseconds), for people to read.

    Attributes
    ----------
    holder
        Who held it when it was last looked at; empty for nobody.
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
        """Who held it when it was last looked at; empty for nobody."""
        return (self._seen or {}).get("holderIdentity") or ""

    async def take(self) -> float | None:
        """Take the Lease if nobody else may hold it.

        Returns
        -------
        float | None
            The moment from which it is ours, for its duration; None where it is somebody else's.

        Raises
        ------
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        stored = await self._client.get(self._path)
        # Whatever was sent before, this answer tells who has it now.
        self._unanswered.clear()
        if stored is not None:
            self._look(stored)
        # One that was deleted may be held still: who held it knows only at its next renewal.
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
            # A namespace that is missing is no matter of somebody who was faster.
            if error.status == HTTPStatus.CONFLICT or (stored is not None and _changed(error)):
                return None
            raise
        return sent

    async def renew(self) -> float:
        """Give a sign of life.

        Returns
        -------
        float
            The moment from which it is ours for another duration.

        Raises
        ------
        LeaseTakenError
            Somebody else wrote to it: it may be theirs.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        sent = self._now()
        await self._write_own(self._claim())
        return sent

    async def release(self) -> None:
        """Give the Lease back, so that others need not wait; only for who holds it.

        Raises
        ------
        LeaseTakenError
            It is somebody else's already.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        released = {"holderIdentity": None, "leaseDurationSeconds": _RELEASED_SECONDS}
        await self._write_own(self._claim() | released)

    @property
    def _path(self) -> str:
        return LEASES.item(self._namespace, self._name)

    async def _write_own(self, spec: Mapping[str, Any]) -> None:
        try:
            await self._write(spec)
        except ApiError as error:
            if not _changed(error):
                raise
            await self._look_again()
            # A conflict about what is ours passes, as other trouble does.
            await self._write(spec)

    async def _look_again(self) -> None:
        # What was sent may have arrived though its answer was lost, and anybody may put a label on.
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
        # Deleted by hand; whoever creates it first has it, and is returned where that was not us.
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
            raise MalformedAnswerError("a Lease came with fields of another type")
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
        # One that was deleted and created again is another.
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
