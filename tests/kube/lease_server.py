"""A scripted API server that holds one Lease, and time that passes only where everybody waits for it."""

import asyncio
import copy
import itertools
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar, cast

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.lease import Lease

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    elapsed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everybody waits, and nothing will ever happen")
        self.elapsed += max(timeout, 0)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer, and can be pushed on as by a process that was stopped."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.elapsed

    def stall(self, seconds: float) -> None:
        """Let time pass in which nothing of this process runs."""
        self._virtual.elapsed += seconds


def in_virtual_time(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` to its end in an event loop that never waits."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work())


class LeaseServer:
    """Keeps a Lease as the API server does: with a version, a uid, and conflicts."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] | None = None
        self._versions = itertools.count(1)

    @property
    def spec(self) -> dict[str, Any]:
        assert self.stored is not None
        found: dict[str, Any] = self.stored["spec"]
        return found

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if self.stored is not None:
            raise ApiError(409, "AlreadyExists", 'leases.coordination.k8s.io "l" already exists')
        version = str(next(self._versions))
        self.stored = copy.deepcopy(dict(body))
        self.stored["metadata"] |= {"uid": f"uid-{version}", "resourceVersion": version}
        return copy.deepcopy(self.stored)

    def patch(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if self.stored is None:
            raise ApiError(404, "NotFound", 'leases.coordination.k8s.io "l" not found')
        current = self.stored["metadata"]
        if any(current[key] != value for key, value in (body.get("metadata") or {}).items()):
            raise ApiError(409, "Conflict", "the object has been modified")
        merged = {**self.stored["spec"], **(body.get("spec") or {})}
        self.stored["spec"] = {key: value for key, value in merged.items() if value is not None}
        current["resourceVersion"] = str(next(self._versions))
        return copy.deepcopy(self.stored)

    def write_by_hand(self, **spec: Any) -> None:
        """Change the Lease as a person does with kubectl, or another daemon."""
        if self.stored is None:
            self.create({"metadata": {}, "spec": spec})
        else:
            self.patch({"spec": spec})


class Connection:
    """What one candidate has of the server; stands in for a client, and counts the use of each method.

    `before` and `after` are called for each request before it reaches the server, and before its answer comes back.
    """

    def __init__(self, server: LeaseServer) -> None:
        self.before: Callable[[], Awaitable[None]] = _nothing
        self.after: Callable[[], Awaitable[None]] = _nothing
        self.requests: list[str] = []
        self._server = server

    async def get(self, path: str) -> dict[str, Any] | None:
        return await self._ask("get", lambda: copy.deepcopy(self._server.stored))

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._ask("create", lambda: self._server.create(body))

    async def merge_patch(self, path: str, body: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        return await self._ask("patch", lambda: self._server.patch(body))

    async def _ask(self, method: str, answer: Callable[[], T]) -> T:
        self.requests.append(method)
        await self.before()
        found = answer()
        await self.after()
        return found


async def _nothing() -> None:
    """Neither fail nor take time."""


_STAMPS = itertools.count()


def candidate(
    connection: Connection,
    identity: str,
    now: Callable[[], float],
    timestamp: Callable[[], str] = lambda: f"stamp-{next(_STAMPS)}",
    predecessor: str = "",
) -> Lease:
    """Return the Lease as a candidate of this name sees it; by default no two times of day are the same."""
    client = cast("KubeClient", connection)
    return Lease(
        client,
        "install",
        "l",
        identity,
        predecessor=predecessor,
        seconds=15,
        now=now,
        timestamp=timestamp,
    )
