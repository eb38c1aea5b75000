"""What the gateways of a folder meet on the cluster: what they refer to, what is in their way, who else runs them."""

from collections.abc import Iterable
from http import HTTPStatus

from gateway_components.crds.meta import API_VERSION
from gateway_components.daemon.projections import is_leaving
from gateway_components.dev.engine import object_path
from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import CONFIG_MAPS, CUSTOM_RESOURCES, NAMESPACES, SECRETS
from gateway_components.manifests.content import content
from gateway_components.plan.conflicts import wanted_objects
from gateway_components.plan.keys import GatewayKey, ObjectKey, Reference
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.ownership import Mark, mark_of
from gateway_components.plan.references import absent_contents
from gateway_components.plan.snapshot import Content, ExistingObject, Snapshot
from gateway_components.together import together

__all__ = ["FolderCluster", "NamespaceMissingError"]

_CONTENTS = {resource.kind: resource for resource in (CONFIG_MAPS, SECRETS)}


class NamespaceMissingError(GatewayError):
    """A namespace that manifests name is not there."""


class FolderCluster:
    """Asks the API server anew each time: a folder has few gateways.

    Every method raises ApiError or ApiUnreachableError where it gets no answer, or a group of them.

    Parameters
    ----------
    client
        The cluster.
    """

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def check(self, namespace: str) -> None:
        """See whether gateways can be applied in a namespace; without the right to look they are tried.

        Raises
        ------
        NamespaceMissingError
            It does not exist, or is being deleted.
        """
        try:
            found = await self._client.get(NAMESPACES.item(None, namespace))
        except ApiError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return
            raise
        if found is None:
            message = f"namespace {namespace} does not exist; kubectl create namespace {namespace} makes it"
            raise NamespaceMissingError(message)
        if is_leaving(found):
            raise NamespaceMissingError(
                f"namespace {namespace} is being deleted; create it anew once it is gone"
            )

    async def contents(self, whole: Snapshot) -> dict[Reference, Content]:
        """Return the Secrets and ConfigMaps that gateways refer to and `whole` does not hold."""
        unread = sorted(absent_contents(whole.gateways, whole.resources.get, whole.contents))
        raws = await together(
            self._client.get(_CONTENTS[one.kind].item(one.namespace, one.name)) for one in unread
        )
        return {
            reference: content({**raw, "kind": reference.kind})
            for reference, raw in zip(unread, raws, strict=True)
            if raw is not None
        }

    async def claim_of_daemon(self, key: GatewayKey) -> str:
        """Return why a gateway must be left to a daemon; empty where none has it, or there are no CRDs."""
        try:
            found = await self._client.get(CUSTOM_RESOURCES[key.kind].item(key.namespace, key.name))
        except ApiError as error:
            if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                return ""
            raise
        if found is None:
            return ""
        delete = f"kubectl delete {key.kind.lower()} {key.name} -n {key.namespace}"
        return (
            f"{key} is in the cluster, where the daemon looks after it; delete it there ({delete}), or give the one "
            "in this folder another name"
        )

    async def existing(
        self, gateways: Iterable[GatewayKey]
    ) -> tuple[dict[ObjectKey, ExistingObject], dict[ObjectKey, Mark]]:
        """Return what is in the way of gateways, and the mark of each of their objects that exists.

        An object that nobody owns and that has fields of ours was made by an earlier session, and is in nobody's way.
        """
        keys = [wanted for gateway in gateways for wanted in wanted_objects(gateway)]
        found = await together(self._client.get(object_path(key)) for key in keys)
        existing, marks = {}, {}
        for key, raw in zip(keys, found, strict=True):
            if raw is None:
                continue
            marks[key] = mark_of(raw["metadata"])
            owners = raw["metadata"].get("ownerReferences")
            if owners:
                owner = owners[0]
                of_daemon = owner["apiVersion"] == API_VERSION and owner["kind"] in GATEWAY_KINDS
                # Not as an earlier gateway of that name, whose objects are handed on: the owner of these lives.
                kind = f"{owner['kind']} of the cluster:" if of_daemon else owner["kind"]
                existing[key] = ExistingObject((owner["apiVersion"], kind, owner["name"]))
            elif not marks[key].fields:
                existing[key] = ExistingObject(None)
        return existing, marks
