"""Puts single objects right where the engine would not: it looks for less than the API server tells."""

import asyncio
from collections.abc import Callable, Collection
from http import HTTPStatus

from gateway_components.engine.requests import ANNOTATIONS
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import CONFIG_MAPS, DEPLOYMENTS, SERVICES
from gateway_components.plan.keys import ObjectKey
from gateway_components.plan.ownership import FIELD_MANAGER
from gateway_components.plan.reclaim import reclaimed
from gateway_components.plan.workload import GatewayObjects, Manifest

__all__ = ["Repairer"]

_TRIES = 5
_RESOURCES = {resource.kind: resource for resource in (CONFIG_MAPS, DEPLOYMENTS, SERVICES)}


class Repairer:
    """Applies objects that exist and were changed, right before an engine run takes note of them.

    The engine compares what it planned with what it finds and overlooks what was added at the end of a list; and it
    cannot give back the place of an item whose key was edited (`plan.reclaim`).

    Parameters
    ----------
    client
        The cluster.
    may_act
        Tells whether this daemon leads.
    """

    def __init__(self, client: KubeClient, may_act: Callable[[], bool] = lambda: True) -> None:
        self._client = client
        self._may_act = may_act

    async def __call__(self, objects: GatewayObjects, suspected: Collection[ObjectKey]) -> None:
        """Bring those objects of a gateway that are `suspected` to what is planned; one that is gone stays so.

        Raises
        ------
        ApiUnreachableError
            The API server gave no answer. What it refuses is left to the engine, which will say so.
        """
        if self._may_act():
            found = (manifest for manifest in objects.manifests if _key(manifest) in suspected)
            await asyncio.gather(*map(self._repair, found))

    async def _repair(self, manifest: Manifest) -> None:
        tries = _TRIES
        while tries:
            try:
                await self._apply(manifest)
                break
            except ApiError as error:
                # A rollout writes to the object all the time.
                tries = tries - 1 if error.status == HTTPStatus.CONFLICT else 0

    async def _apply(self, manifest: Manifest) -> None:
        metadata = manifest["metadata"]
        path = _RESOURCES[manifest["kind"]].item(metadata["namespace"], metadata["name"])
        live = await self._client.get(path)
        if live is None:
            return
        fields = reclaimed(manifest, live)
        if fields is not None:
            change = {"resourceVersion": live["metadata"]["resourceVersion"], "managedFields": fields}
            await self._client.merge_patch(path, {"metadata": change}, manager=FIELD_MANAGER)
        annotations = {**metadata.get("annotations", {}), **ANNOTATIONS}
        # Of that very object: one that was deleted meanwhile is not to come back by this.
        planned = {**metadata, "annotations": annotations, "uid": live["metadata"]["uid"]}
        await self._client.apply(path, {**manifest, "metadata": planned}, manager=FIELD_MANAGER, force=True)


def _key(manifest: Manifest) -> ObjectKey:
    metadata = manifest["metadata"]
    return ObjectKey(manifest["kind"], metadata["namespace"], metadata["name"])
