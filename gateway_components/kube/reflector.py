"""A reflector: mirrors a collection by listing it once and watching it from there."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import structlog

from gateway_components.backoff import Backoff
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError, MalformedAnswerError
from gateway_components.kube.presence import AbsentKind
from gateway_components.kube.projector import ObjectName, Projector
from gateway_components.kube.resources import Resource

T = TypeVar("T")

INSTALL_CRDS = "kubectl apply --server-side -f deploy/crds"
"""Command that installs the CRDs."""
_CURE = f"install the CRDs: {INSTALL_CRDS}"
_CURES: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "look for a proxy that answers so; API discovery does not say that this kind is missing",
    HTTPStatus.UNAUTHORIZED: "renew the credentials, or set KUBECONFIG to others",
}
_PASSING = frozenset(
    (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    )
)
"""Refusals after which a watch resumes where it was, as a new list is more work for everybody."""
_WATCH_SECONDS = (240, 480)
_SILENCE_SECONDS = 90.0
"""After so long without an event, a watch is restarted: its connection may be dead."""
_LONGEST_ASKED_SECONDS = 60.0
"""Upper bound of ``Retry-After``."""
_SHORT_SECONDS = 1.0
"""A watch that ends sooner is followed by a pause, against a server that cuts each one."""
_CALM_SECONDS = 60.0
"""Without malformed answers, after which their back-off starts over."""
_ABSENT_SECONDS = 3.0
"""Between queries for a resource that does not exist, which are cheap."""


class Cause(StrEnum):
    """Why a watch was restarted."""

    ENDED = "ended"
    """The API server ended it, as it regularly does."""
    SILENT = "silent"
    """Not even a bookmark was received."""
    BROKEN = "broken"
    """The connection broke, or the answer was not a watch."""
    EXPIRED = "expired"
    """The API server has forgotten the version (410)."""
    REFUSED = "refused"
    """The API server refused it for another reason."""
    ABSENT = "absent"
    """The API server does not know the resource (404)."""
    DISORDERED = "disordered"
    """An event was older than its predecessor: etcd was restored, or a proxy repeats answers."""
    MALFORMED = "malformed"
    """The answer cannot be from an API server."""
    MISTAKEN = "mistaken"
    """The mirror was found to lack an object, so it is listed again."""
    FAILED = "failed"
    """The reflector itself failed, by a bug."""


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """A change of an object; `old` is None for a new one, `new` for a deleted one."""

    resource: Resource
    name: ObjectName
    old: T | None
    new: T | None


class Reflector(Generic[T]):
    """Mirrors one resource.

    Parameters
    ----------
    project
        Returns what is kept of each raw object.
    project_unreadable
        The same for the outer levels of an object that `project` failed on, given the reason. Without it, what was kept
        before stays.
    on_change
        Called for every object that was added, changed or deleted, as far as `project` keeps the change.
    metadata_only
        Whether to request metadata only.
    namespace
        The one namespace to watch, or for namespaces, the one of that name; None for all.
    on_restart
        Called whenever a watch or a list is restarted.
    now
        Monotonic clock in seconds.

    Attributes
    ----------
    synced
        Set once the first list is complete, or the resource is known not to exist.
    absent
        Whether the API server does not serve the resource, as its CRD is not installed.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        project: Callable[[dict[str, Any]], T],
        on_change: Callable[[Change[T]], None],
        *,
        project_unreadable: Callable[[dict[str, Any], str], T] | None = None,
        metadata_only: bool = False,
        namespace: str | None = None,
        on_restart: Callable[[Resource, Cause], None] = lambda _resource, _cause: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._resource = resource
        self.namespace = namespace
        self._path = resource.collection(namespace)
        named = namespace is not None and not resource.namespaced
        self._fields = f"metadata.name={namespace}" if named else ""
        self._projector = Projector(resource, namespace, project, project_unreadable)
        self._on_change = on_change
        self._on_restart = on_restart
        self._now = now
        self._metadata_only = metadata_only
        self._objects: dict[ObjectName, T] = {}
        self._backoff = Backoff(first=0.2, longest=15.0)
        self._malformed = Backoff(first=0.2, longest=15.0)
        self._malformed_at = now()
        self._watching: asyncio.Timeout | None = None
        self._log = structlog.get_logger().bind(
            resource=resource.plural, **({"namespace": namespace} if namespace else {})
        )
        self._version: str | None = None
        self._absence = AbsentKind(resource, now)
        self._why_missing = "not listed yet"
        self.absent = False
        self.synced = asyncio.Event()

    @property
    def seen(self) -> int:
        """The version up to which the mirror is complete; 0 if unknown."""
        version = self._version or ""
        return int(version) if version.isdecimal() else 0

    @property
    def missing(self) -> str:
        """Why the mirror is incomplete; empty if it is not."""
        if self.synced.is_set() and not self.absent:
            return ""
        namespace = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self._resource.plural}{namespace}: {self._why_missing}"

    @property
    def objects(self) -> Mapping[ObjectName, T]:
        """The mirrored objects."""
        return self._objects

    def relist(self) -> None:
        """List the collection again, as the mirror was found to be wrong."""
        self._version = None
        if self._watching and not self._watching.expired():
            self._watching.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """List and watch until cancelled; errors are logged and retried with back-off."""
        while True:
            try:
                await self._mirror()
            except Exception:  # noqa: BLE001  (logged with its traceback, which the checker does not see)
                # A bug with one kind must not stop the daemon.
                self._version = None
                delay = self._malformed.next()
                self._log.exception("reflector failed", retry_seconds=round(delay, 1))
                await asyncio.sleep(delay)

    async def _mirror(self) -> None:
        try:
            if self._version is None:
                await self._list()
            else:
                await self._watch(self._version)
        except _DisorderedError:
            await self._expired(Cause.DISORDERED)
        except ApiError as error:
            # A watch that cannot resume is restarted with a list.
            if error.status not in _PASSING:
                self._version = None
            if error.status == HTTPStatus.GONE:
                await self._expired(Cause.EXPIRED)
            elif error.status == HTTPStatus.NOT_FOUND:
                await self._absent(error)
            else:
                self._on_restart(self._resource, Cause.REFUSED)
                await self._wait(error)
        except MalformedAnswerError as error:
            # Earlier answers may be wrong as well.
            self._version = None
            if self._now() - self._malformed_at > _CALM_SECONDS:
                self._malformed.reset()
            self._malformed_at = self._now()
            self._on_restart(self._resource, Cause.MALFORMED)
            await self._wait(error, backoff=self._malformed)
        except ApiUnreachableError as error:
            self._on_restart(self._resource, Cause.BROKEN)
            await self._wait(error)

    async def _wait(self, error: Exception, *, backoff: Backoff | None = None, cure: str = "") -> None:
        delay = (backoff or self._backoff).next()
        if isinstance(error, ApiError):
            cure = cure or _CURES.get(error.status, "")
            delay = max(delay, min(error.retry_after, _LONGEST_ASKED_SECONDS))
        self._why_missing = f"{error} ({cure})" if cure else str(error)
        known = {"cure": cure} if cure else {}
        self._log.warning("watch broken", error=str(error), **known, retry_seconds=round(delay, 1))
        await asyncio.sleep(delay)

    async def _expired(self, cause: Cause) -> None:
        self._version = None
        self._on_restart(self._resource, cause)
        self._log.info("watch expired, listing again", cause=str(cause))
        # The first time at once; if that does not help, more lists only add to the load.
        at_once = self._backoff.fresh
        delay = self._backoff.next()
        if not at_once:
            await asyncio.sleep(delay)

    async def _absent(self, error: ApiError) -> None:
        self._on_restart(self._resource, Cause.ABSENT)
        if not await self._absence.ask(self._client):
            await self._wait(error)
            return
        if not self._absence.is_certain(has_objects=bool(self._objects)):
            await self._wait(error, cure=_CURE)
            return
        if not self.absent:
            self._log.warning("no such resource", cure=_CURE, gone=len(self._objects))
            self._why_missing = f"there is no such resource ({_CURE})"
            self.absent = True
            self._replace({})
        await asyncio.sleep(_ABSENT_SECONDS * random.uniform(0.8, 1.0))  # noqa: S311  (spreads the load)

    async def _list(self) -> None:
        listed: dict[ObjectName, T] = {}
        version = ""
        # Page by page, so that only one is in memory as a whole.
        async for items, page_version in self._client.pages(
            self._path, kind=self._resource.kind, metadata_only=self._metadata_only, fields=self._fields
        ):
            for item in items:
                name = self._projector.name(item)
                if name in listed:
                    raise MalformedAnswerError("a list has a duplicate object")
                kept = self._projector.keep(name, item, self._objects.get(name))
                if kept is not None:
                    listed[name] = kept
            # Whoever holds the page waits for the next one by now, as other reflectors do.
            items.clear()
            version = page_version
        if self.absent:
            self._log.info("the resource has appeared")
            self._backoff.reset()
        self.absent = False
        self._absence.reset()
        self._replace(listed)
        self._version = version

    def _replace(self, listed: Mapping[ObjectName, T]) -> None:
        for name in self._objects.keys() - listed.keys():
            self._set(name, None)
        for name, item in listed.items():
            self._set(name, item)
        if not self.synced.is_set():
            self._log.debug("listed", objects=len(listed))
            self.synced.set()

    async def _watch(self, version: str) -> None:
        began = heard = self._now()
        try:
            async with asyncio.timeout(None) as self._watching:
                async for event in self._client.watch(
                    self._path,
                    version,
                    seconds=random.randint(*_WATCH_SECONDS),  # noqa: S311  (spreads the load, guards nothing)
                    silence=_SILENCE_SECONDS,
                    metadata_only=self._metadata_only,
                    fields=self._fields,
                ):
                    self._take(event["type"], event["object"])
                    self._backoff.reset()
                    heard = self._now()
        except TimeoutError:
            # An event may have set it meanwhile.
            self._version = None
            self._on_restart(self._resource, Cause.MISTAKEN)
            self._log.info("cache inconsistent, listing again")
            return
        finally:
            self._watching = None
        # The connection's timer started a little before the last event was handled.
        silent = self._now() - heard > _SILENCE_SECONDS * 0.9
        self._on_restart(self._resource, Cause.SILENT if silent else Cause.ENDED)
        if silent:
            # Whatever drops the events of this watch may drop those of the next one too.
            self._log.info("watch silent, listing again", seconds=round(self._now() - heard, 1))
            self._version = None
        elif self._now() - began < _SHORT_SECONDS:
            await asyncio.sleep(self._backoff.next())

    def _take(self, type_: str, item: dict[str, Any]) -> None:
        version = item["metadata"]["resourceVersion"]
        if _is_older(version, self._version):
            raise _DisorderedError
        if type_ != "BOOKMARK":
            name = self._projector.name(item)
            before = self._objects.get(name)
            self._set(name, None if type_ == "DELETED" else self._projector.keep(name, item, before))
        self._version = version

    def _set(self, name: ObjectName, new: T | None) -> None:
        old = self._objects.get(name)
        if new is None:
            self._objects.pop(name, None)
            self._projector.forget(name)
        else:
            self._objects[name] = new
        if old != new:
            try:
                self._on_change(Change(self._resource, name, old, new))
            except Exception:  # noqa: BLE001  (one object must not hide the others)
                self._log.exception("change not processed", namespace=name[0], name=name[1])


class _DisorderedError(Exception):
    """An event is older than its predecessor."""


def _is_older(version: str, than: str | None) -> bool:
    """Compare versions of one resource, which are numbers (Kubernetes API concepts, "Resource versions")."""
    return than is not None and version.isdecimal() and than.isdecimal() and int(version) < int(than)
