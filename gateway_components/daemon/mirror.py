"""Reflectors of every kind the daemon looks at, as one table."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from gateway_components.daemon.projections import PROJECTIONS, deployment_state, is_leaving, object_state
from gateway_components.kube import resources
from gateway_components.kube.client import KubeClient
from gateway_components.kube.reflector import Change, ObjectName, Reflector
from gateway_components.kube.resources import CUSTOM_RESOURCES, Resource

__all__ = ["Mirror"]

_WHOLE: tuple[tuple[Resource, Callable[[Mapping[str, Any]], Any]], ...] = (
    *((CUSTOM_RESOURCES[kind], project) for kind, project in PROJECTIONS.items()),
    (resources.DEPLOYMENTS, deployment_state),
)
_METADATA: tuple[tuple[Resource, Callable[[Mapping[str, Any]], Any]], ...] = (
    (resources.NAMESPACES, is_leaving),
    (resources.CONFIG_MAPS, object_state),
    (resources.SECRETS, object_state),
    (resources.SERVICES, object_state),
)


class Mirror:
    """A local picture of the cluster, kind by kind.

    Parameters
    ----------
    client
        The cluster.
    on_change
        Called for every object that came, changed or went, once the picture has it.
    """

    def __init__(self, client: KubeClient, on_change: Callable[[Change[Any]], None]) -> None:
        self._reflectors: dict[str, Reflector[Any]] = {
            resource.kind: Reflector(client, resource, project, on_change, metadata_only=table is _METADATA)
            for table in (_WHOLE, _METADATA)
            for resource, project in table
        }

    def objects(self, kind: str) -> Mapping[ObjectName, Any]:
        """Return what is kept of the objects of a kind (`projections`), by namespace and name; it stays current."""
        return self._reflectors[kind].objects

    async def run(self) -> None:
        """Keep the picture current until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors.values():
                group.create_task(reflector.run())

    async def synced(self) -> None:
        """Wait until the picture is complete for the first time."""
        for reflector in self._reflectors.values():
            await reflector.synced.wait()
