"""The engine of `gatewayctl dev`: its state is local, and it deletes objects that no owner collects."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.ports import Engine
from gateway_components.engine.diagnostics import Outcome
from gateway_components.engine.stacks import Stacks
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import retry_on_conflict
from gateway_components.kube.resources import ApiPath, object_path
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.ownership import Applied, mark_of


class FolderEngine(Engine):
    """Applies gateways from files.

    Their objects have no owner to be collected with, so those that leave the folder are deleted here, and `deleted` is
    called for each such gateway. The engine cannot: of an object that it patched it only removes its fields.
    """

    def __init__(
        self, stacks: Stacks, client: KubeClient, clock: Clock, deleted: Callable[[Identity], None]
    ) -> None:
        self._stacks = stacks
        self._client = client
        self._clock = clock
        self._deleted = deleted
        self._held: dict[str, set[Identity]] = {}
        self._serving: set[Identity] = set()

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces with applied gateways whose state was read."""
        return frozenset(self._held)

    def known(self, namespace: str) -> frozenset[Identity]:
        """Return the gateways of a namespace that may have been applied, once its state was read."""
        return frozenset(self._held.get(namespace, ()))

    def serves(self, key: Identity) -> bool:
        """Return whether a gateway was applied completely once."""
        return key in self._serving

    async def held(self, namespace: str) -> Mapping[Identity, Applied | None]:
        """Return the gateways in the state, all to be refreshed: the last session may have been interrupted.

        An EngineError where the state cannot be read.
        """
        held = await self._clock.in_thread(self._stacks.states.held, namespace)
        self._held[namespace] = set(held)
        self._serving.update(key for key, applied in held.items() if applied)
        return dict.fromkeys(held)

    async def apply(
        self,
        namespace: str,
        wanted: Mapping[Identity, GatewayObjects],
        release: Collection[Identity],
        *,
        refresh: bool,
    ) -> Outcome:
        """Apply `wanted`, and delete the objects of `release`.

        Raises
        ------
        ApiError, ApiUnreachableError, EngineError
            As for `Stacks.apply`, or an object could not be deleted.
        """
        with self._stacks.beginning(namespace):
            await self._delete(release)
            held = self._held.setdefault(namespace, set())
            if not wanted:
                await self._clock.in_thread(self._stacks.states.release, namespace, release)
                held.difference_update(release)
                return Outcome(released=release)
            held.update(wanted)
            outcome = await self._clock.in_thread(
                lambda: self._stacks.apply(namespace, wanted, release, refresh=refresh)
            )
            held.difference_update(outcome.released)
            self._serving.update(key for key, applied in outcome.held.items() if applied)
            return outcome

    def interrupt(self, namespace: str) -> None:
        """Interrupt an `apply` that runs or is about to."""
        self._stacks.interrupt(namespace)

    async def forget(self, namespace: str) -> None:
        """Delete a namespace's gateways and its state; raises as `apply`."""
        if namespace not in self._held:
            await self.held(namespace)
        await self._delete(self._held[namespace])
        await self._clock.in_thread(self._stacks.states.forget, namespace)
        del self._held[namespace]

    async def _delete(self, gateways: Iterable[Identity]) -> None:
        for gateway in sorted(gateways):
            for key in wanted_objects(gateway):
                await retry_on_conflict(partial(self._delete_object, object_path(key)))
            self._serving.discard(gateway)
            self._deleted(gateway)

    async def _delete_object(self, path: ApiPath) -> None:
        found = await self._client.get(path)
        # One that has an owner by now, or that somebody created again, is theirs.
        if found and not found["metadata"].get("ownerReferences") and mark_of(found["metadata"]).fields:
            metadata = found["metadata"]
            await self._client.delete(path, uid=metadata["uid"], version=metadata["resourceVersion"])
