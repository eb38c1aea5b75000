"""Objects that bear a name a gateway wants and belong to somebody else."""

from collections.abc import Iterator, Mapping

from gateway_components.crds.meta import API_VERSION
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey, ObjectKey, seniority
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.snapshot import ExistingObject, Gateway, UnreadableGateway
from gateway_components.plan.workload import config_map_name

__all__ = ["check_names", "check_rival", "wanted_objects"]


def wanted_objects(gateway: GatewayKey) -> Iterator[ObjectKey]:
    """Yield the names of the objects that `gateway` wants."""
    yield ObjectKey("ConfigMap", gateway.namespace, config_map_name(gateway.name))
    yield ObjectKey("Deployment", gateway.namespace, gateway.name)
    yield ObjectKey("Service", gateway.namespace, gateway.name)


def check_rival(
    gateway: GatewayKey,
    claimed: Mapping[GatewayKey, Gateway | UnreadableGateway],
    existing: Mapping[ObjectKey, ExistingObject],
) -> None:
    """Refuse the younger of two gateways of different kinds and one name, which want the same objects.

    One that already has the objects keeps them, whatever its age.

    Parameters
    ----------
    gateway
        The gateway to check.
    claimed
        All gateways that are ours.
    existing
        Objects on the cluster.

    Raises
    ------
    Failure
        ``NameConflict``, naming the other gateway.
    """
    for kind in GATEWAY_KINDS:
        rival = GatewayKey(kind, gateway.namespace, gateway.name)
        if rival == gateway or rival not in claimed:
            continue
        if _rank(rival, claimed, existing) < _rank(gateway, claimed, existing):
            raise Failure(
                Reason.NAME_CONFLICT,
                f"{rival} has the same name, and the objects that both want are its own",
                field="metadata.name",
                cure="rename one of them",
            )


def _rank(
    gateway: GatewayKey,
    claimed: Mapping[GatewayKey, Gateway | UnreadableGateway],
    existing: Mapping[ObjectKey, ExistingObject],
) -> tuple[bool, tuple[bool, str], GatewayKey]:
    owner = API_VERSION, gateway.kind, gateway.name
    found = (existing.get(wanted) for wanted in wanted_objects(gateway))
    owns = any(known is not None and known.controller == owner for known in found)
    return not owns, seniority(_created(claimed[gateway])), gateway


def _created(gateway: Gateway | UnreadableGateway) -> str | None:
    return None if isinstance(gateway, UnreadableGateway) else gateway.metadata.creation_timestamp


def check_names(gateway: GatewayKey, existing: Mapping[ObjectKey, ExistingObject]) -> None:
    """Refuse to take over an object that `gateway` does not control.

    An earlier gateway of the same kind and name counts as the same owner: its objects are handed on. An
    object that nobody controls was made by a person or another tool and is left alone as well, unless it was applied
    by us: then somebody took its owner reference off, which is put right.

    Raises
    ------
    Failure
        ``NameConflict``, naming the object and its owner.
    """
    for wanted in wanted_objects(gateway):
        found = existing.get(wanted)
        if found is None or found.controller == (API_VERSION, gateway.kind, gateway.name):
            continue
        if found.controller is None and found.applied:
            continue
        owner = (
            f"belongs to {found.controller[1]} {found.controller[2]}"
            if found.controller
            else "does not belong to this gateway"
        )
        raise Failure(
            Reason.NAME_CONFLICT,
            f'{wanted.kind} "{wanted.name}" exists and {owner}; it is left as it is',
            field="metadata.name",
            cure=f"delete or rename that {wanted.kind}, or give the gateway another name",
        )
