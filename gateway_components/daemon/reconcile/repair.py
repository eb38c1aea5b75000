"""Repairs objects whose changes the engine overlooks."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from functools import partial

from gateway_components.concurrency import gather
from gateway_components.engine.registration import applied_form
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError, retry_on_conflict
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import object_path
from gateway_components.plan.objects import GatewayObjects, Manifest
from gateway_components.plan.ownership import FIELD_MANAGER
from gateway_components.plan.reclaim import reclaimed


class Repairer:
    """Applies objects that exist and were changed, right before an engine run records them.

    The engine compares its plan with what it finds, and overlooks items appended to a list. Nor can it restore an item
    whose key was edited (`plan.reclaim`).
    """

    def __init__(self, client: FencedClient) -> None:
        self._client = client

    async def __call__(self, objects: GatewayObjects, changed: Collection[Identity]) -> None:
        """Apply those objects of a gateway that may have `changed` as planned; one that is gone stays so.

        Raises an ExceptionGroup of ApiUnreachableError: the API server gave no answer. What it refuses is left to the
        engine to report.
        """
        config_map, deployment, service = objects.manifests
        # The Service of another operator must find the ports of both before its last pod is replaced.
        for manifests in ((service,), (config_map, deployment)):
            await gather(self._repair(manifest) for manifest in manifests if Identity.of(manifest) in changed)

    async def _repair(self, manifest: Manifest) -> None:
        with suppress(ApiError):
            # A rollout writes to the object all the time.
            await retry_on_conflict(partial(self._apply, manifest))

    async def _apply(self, manifest: Manifest) -> None:
        path = object_path(Identity.of(manifest))
        live = await self._client.get(path)
        if live is None:
            return
        # Somebody may have edited thousands of items.
        fields = await asyncio.to_thread(reclaimed, manifest, live)
        if fields is not None:
            change = {"resourceVersion": live["metadata"]["resourceVersion"], "managedFields": fields}
            live = await self._client.merge_patch(path, {"metadata": change}, manager=FIELD_MANAGER)
        # Of that very object as it was seen: one that was deleted meanwhile is not to come back by this.
        seen = {name: live["metadata"][name] for name in ("uid", "resourceVersion")}
        planned = applied_form(manifest)
        planned["metadata"] |= seen
        await self._client.apply(path, planned, manager=FIELD_MANAGER, force=True)
