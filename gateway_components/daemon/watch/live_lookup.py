"""Reads directly whether what is missing from the cache is really gone, before anything is released because of it.

A list that lacks an object, a forged event or a CRD that was removed empties the cache as well. What was released is
lost: statuses and states. So a gateway is released only once the API server says that it or its class does not exist.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import chain, zip_longest

import structlog

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.api.syntax import object_name_fault
from gateway_components.backoff import Backoff
from gateway_components.daemon.watch.projections import PROJECTIONS
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.presence import Presence, object_presence, resource_presence
from gateway_components.kube.resources import CUSTOM_RESOURCES
from gateway_components.plan.claims import claims
from gateway_components.plan.snapshot import Unreadable

_CERTAIN_SECONDS = 10.0
_CERTAIN_ANSWERS = 3
"""So long and so often a class must be gone: the API server still serves a kind whose CRD is being removed."""
_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_MOST_LOOKS = 50
"""Of one round: the searches of one namespace must not hold up those of others."""
_GATEWAY_KIND_OF = {kind.class_kind: kind for kind in GATEWAY_KINDS.values()}


@dataclass(slots=True)
class _Search:
    backoff: Backoff = field(default_factory=lambda: Backoff(_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))
    due: float = 0.0
    since: float = 0.0
    answers: int = 0


class LiveLookups:
    """Looks for what is missing, until the API server says whether it exists.

    That is gateways, and classes, of which one without a name stands for any default class.

    `settled` is called with what turned out to be gone after the first look, `mistaken` with what exists. `now` is a
    monotonic clock in seconds.
    """

    def __init__(
        self,
        client: FencedClient,
        settled: Callable[[Identity], None],
        mistaken: Callable[[Identity], None],
        now: Callable[[], float],
    ) -> None:
        self._client = client
        self._settled = settled
        self._mistaken = mistaken
        self._now = now
        self._wanted: dict[str, frozenset[Identity]] = {}
        self._searches: dict[Identity, _Search] = {}
        self._gone_classes: set[Identity] = set()
        self._begun = asyncio.Event()
        self._log = structlog.get_logger()

    def class_changed(self, kind: str, name: str) -> None:
        """Forget what was known of a class that was created, changed or deleted."""
        for sought in (Identity(kind, "", name), Identity(kind, "", "")):
            self._forget(sought)

    async def gone(self, namespace: str, missing: Collection[Identity]) -> frozenset[Identity]:
        """Return what does not exist, of all that a namespace misses.

        Undecided ones are looked up until they are decided, or in the cache again.
        """
        self._want(namespace, frozenset(missing))
        found = await asyncio.gather(*map(self._is_gone, missing))
        return frozenset(sought for sought, is_gone in zip(missing, found, strict=True) if is_gone)

    async def run(self) -> None:
        """Look for what is missing until cancelled."""
        while True:
            await self._begun.wait()
            for sought in self._due():
                # It may have been found meanwhile.
                if search := self._searches.get(sought):
                    await self._look_again(sought, search)
            if not self._searches:
                self._begun.clear()
            await asyncio.sleep(_PAUSE_SECONDS)

    def _due(self) -> list[Identity]:
        """Return what to look up in this round: of each namespace in turn, what has waited longest."""
        now = self._now()
        queues = [
            sorted(
                (search.due, sought)
                for sought in wanted
                if (search := self._searches.get(sought)) and search.due <= now
            )
            for wanted in self._wanted.values()
        ]
        turns = chain.from_iterable(zip_longest(*sorted(queues)))
        return list(dict.fromkeys(turn[1] for turn in turns if turn))[:_MOST_LOOKS]

    def _want(self, namespace: str, wanted: frozenset[Identity]) -> None:
        """Replace what a namespace misses: names can be made up faster than looked up."""
        dropped = self._wanted.pop(namespace, frozenset()) - wanted
        if wanted:
            self._wanted[namespace] = wanted
        for sought in dropped:
            if not self._is_wanted(sought):
                self._forget(sought)

    def _is_wanted(self, sought: Identity) -> bool:
        return any(sought in wanted for wanted in self._wanted.values())

    def _forget(self, sought: Identity) -> None:
        self._gone_classes.discard(sought)
        self._searches.pop(sought, None)

    def _search(self, sought: Identity) -> None:
        if sought not in self._searches and self._is_wanted(sought):
            self._searches[sought] = _Search()
            self._begun.set()

    async def _is_gone(self, sought: Identity) -> bool:
        if sought.kind in _GATEWAY_KIND_OF:
            return self._is_class_gone(sought)
        presence = await self._look(sought)
        if presence is Presence.ABSENT:
            self._searches.pop(sought, None)
            return True
        self._search(sought)
        if presence is Presence.PRESENT:
            self._mistaken(sought)
        return False

    def _is_class_gone(self, sought: Identity) -> bool:
        # The name comes out of a gateway's spec, where anything may stand.
        if sought in self._gone_classes or (sought.name and object_name_fault(sought.name)):
            return True
        if sought not in self._searches:
            self._log.warning(
                "gateways kept",
                missing_class=sought.name or "any that is the default",
                kind=sought.kind,
                why="it was not listed; its gateways are left as they are until the API server says that it is gone",
            )
        self._search(sought)
        return False

    async def _look_again(self, sought: Identity, search: _Search) -> None:
        presence = await self._look(sought)
        if self._searches.get(sought) is not search:
            # More is known of it meanwhile, and this answer may be older.
            return
        if presence is not Presence.ABSENT:
            search.answers = 0
            search.due = self._now() + search.backoff.next()
            if presence is Presence.PRESENT:
                self._mistaken(sought)
            return
        if not search.answers:
            search.since = self._now()
        search.answers += 1
        search.due = self._now()
        if sought.kind in _GATEWAY_KIND_OF:
            if search.answers < _CERTAIN_ANSWERS or self._now() - search.since < _CERTAIN_SECONDS:
                return
            self._gone_classes.add(sought)
        del self._searches[sought]
        self._settled(sought)

    async def _look(self, sought: Identity) -> Presence:
        names = sought._asdict()
        try:
            if sought.kind not in _GATEWAY_KIND_OF:
                return await self._look_for_gateway(sought)
            return await self._look_for_class(sought)
        except (ApiError, ApiUnreachableError) as error:
            self._log.warning("lookup failed", **names, error=str(error))
        except Exception:  # noqa: BLE001  (logged with its traceback, which the checker does not see)
            # What is unknown stays as it is.
            self._log.exception("lookup failed", **names)
        return Presence.UNKNOWN

    async def _look_for_gateway(self, sought: Identity) -> Presence:
        resource = CUSTOM_RESOURCES[sought.kind]
        try:
            return await object_presence(self._client, resource, sought.namespace, sought.name)
        except ApiError:
            # With its kind, every gateway goes.
            if await resource_presence(self._client, resource) is Presence.ABSENT:
                return Presence.ABSENT
            raise

    async def _look_for_class(self, sought: Identity) -> Presence:
        resource = CUSTOM_RESOURCES[sought.kind]
        if await resource_presence(self._client, resource) is not Presence.PRESENT:
            # Without the kind nothing is known of its classes, and all is left as it is.
            return Presence.UNKNOWN
        if sought.name:
            return await object_presence(self._client, resource, "", sought.name)
        listed, _ = await self._client.list(resource.collection())
        classes = [PROJECTIONS[sought.kind](raw) for raw in listed]
        if any(isinstance(found, Unreadable) for found in classes):
            return Presence.UNKNOWN
        found = claims(_GATEWAY_KIND_OF[sought.kind], None, classes)
        return Presence.PRESENT if found else Presence.ABSENT
