"""What must hold once the daemon has come to rest, whatever befell it: told as a list of what is untrue.

Nothing here asks the daemon: the plan is computed from the cluster by the tests.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.api.meta import API_VERSION
from gateway_components.daemon.watch.projections import deployment_state
from gateway_components.identity import Identity
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.findings import Failure
from gateway_components.plan.plan import GatewayPlan, Plan
from gateway_components.plan.status import (
    Status,
    gateway_status,
    merge_status,
    released_gateway,
    released_route,
    route_status,
)
from lab import ControlPlane, wait_until
from lab.errors import ApiError
from tests.faults.cluster_objects import OWNED, ClusterObjects, Raw, controller, read_cluster_objects
from tests.faults.state_truth import noted_runs, untrue_states

SECONDS = 120.0


def assert_true(
    lab: ControlPlane,
    namespaces: Collection[str],
    *,
    refused: Collection[str] = (),
    states: bool = True,
    seconds: float = SECONDS,
) -> None:
    """Wait until everything about the gateways and routes of `namespaces` is true, and fail with what is not.

    Parameters
    ----------
    lab, namespaces
        Where to look. Routes are looked at where they are.
    refused
        Names of gateways that the API server does not let through, though their plan is sound: they must say so,
        and what they own is not looked at.
    states
        Whether the engine's state is looked at too; it is in Secrets of the namespaces.
    seconds
        How long that may take.
    """
    found: list[str] = []

    def nothing_untrue() -> bool:
        try:
            found[:] = untruths(lab, namespaces, refused=refused, states=states)
        except (ApiError, OSError) as error:
            # An API server that was away a moment ago is still starting.
            found[:] = [str(error)]
        return not found

    try:
        wait_until(nothing_untrue, timeout=seconds, what=f"everything true in {sorted(namespaces)}")
    except TimeoutError as error:
        raise AssertionError("\n".join((str(error), *found))) from None


def untruths(
    lab: ControlPlane, namespaces: Collection[str], *, refused: Collection[str] = (), states: bool = True
) -> list[str]:
    """Return what is untrue about the gateways and routes of `namespaces` at this moment.

    While a run is under way, that is all; whoever waits asks many times.
    """
    if states and (found := list(noted_runs(lab, namespaces))):
        return found
    cluster = read_cluster_objects(lab)
    found = untruths_of(cluster, namespaces, refused=refused)
    if states:
        found += untrue_states(lab, cluster.plan, namespaces, refused)
    return found


def untruths_of(
    cluster: ClusterObjects, namespaces: Collection[str], *, refused: Collection[str] = ()
) -> list[str]:
    """Return what is untrue of these objects, which show nothing of the engine's state."""
    planned = cluster.plan
    return [
        *_objects(cluster, planned, namespaces, refused),
        *_strays(cluster, namespaces),
        *_gateway_statuses(cluster, planned, namespaces, refused),
        *_route_statuses(cluster, planned, namespaces, refused),
    ]


def _objects(
    cluster: ClusterObjects, planned: Plan, namespaces: Collection[str], refused: Collection[str]
) -> Iterator[str]:
    """Every gateway has exactly its three objects, of its own, with the planned values."""
    for key, gateway in planned.gateways.items():
        if key.namespace not in namespaces or key.name in refused or gateway.objects is None:
            continue
        for manifest in gateway.objects.manifests:
            wanted = Identity(manifest["kind"], key.namespace, manifest["metadata"]["name"])
            live = cluster.objects.get(wanted)
            if live is None:
                yield f"{key}: {wanted.kind} {wanted.name} does not exist"
                continue
            if len(live["metadata"].get("ownerReferences") or ()) != 1:
                yield f"{key}: {wanted.kind} {wanted.name} has not exactly one owner"
            yield from (
                f"{key}: {wanted.kind} {wanted.name}: {said}" for said in _differences(manifest, live)
            )


def _differences(wanted: Any, live: Any, path: str = "") -> Iterator[str]:
    """Yield where `live` is not as `wanted`; what it has beyond that is others', but in a list of ours."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for name, value in wanted.items():
            yield from _differences(value, live.get(name), f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for place, (value, found) in enumerate(zip(wanted, live, strict=True)):
            yield from _differences(value, found, f"{path}[{place}]")
    elif wanted != live:
        yield f"{path or 'it'} is {live!r} and not {wanted!r}"


def _strays(cluster: ClusterObjects, namespaces: Collection[str]) -> Iterator[str]:
    """Nothing belongs to a gateway that does not exist, and nothing beyond its three objects to one that does."""
    for key, raw in cluster.of(*OWNED).items():
        owner = controller(raw)
        ours = owner and owner["apiVersion"] == API_VERSION and owner["kind"] in GATEWAY_KINDS
        if not owner or not ours or key.namespace not in namespaces:
            continue
        gateway = Identity(owner["kind"], key.namespace, owner["name"])
        living = cluster.objects.get(gateway)
        if living is None or living["metadata"]["uid"] != owner["uid"]:
            yield f"{key.kind} {key.name} belongs to {gateway}, which does not exist"
        elif key not in set(wanted_objects(gateway)):
            yield f"{key.kind} {key.name} belongs to {gateway}, which has no use for it"


def _gateway_statuses(
    cluster: ClusterObjects, planned: Plan, namespaces: Collection[str], refused: Collection[str]
) -> Iterator[str]:
    """Every gateway of ours says of its newest generation how it is; every other says nothing of ours."""
    for found, raw in cluster.of(*GATEWAY_KINDS).items():
        if found.namespace not in namespaces:
            continue
        key = found
        gateway, existing = planned.gateways.get(key), raw.get("status") or {}
        if gateway is None:
            if released_gateway(existing, GATEWAY_KINDS[key.kind]) is not None:
                yield f"{key} is not ours and bears a status of ours: {existing}"
        elif key.name in refused:
            if not _says_why_it_failed(key, raw):
                yield f"{key} does not say that it was refused: {existing}"
        elif said := _unsaid(existing, _gateway_status(cluster, gateway)):
            yield f"{key}: {said}"


def _gateway_status(cluster: ClusterObjects, gateway: GatewayPlan) -> Status:
    rollout, url = None, ""
    if gateway.objects:
        url = gateway.objects.url
        live = cluster.objects.get(Identity("Deployment", gateway.key.namespace, gateway.key.name))
        if live is not None:
            rollout = deployment_state(live).rollout(gateway.objects.hashes)
    kind = GATEWAY_KINDS[gateway.key.kind]
    return gateway_status(kind, gateway.failure, rollout, gateway.generation, url, gateway.warnings)


def _says_why_it_failed(key: Identity, raw: Raw) -> bool:
    return any(
        condition["type"] == GATEWAY_KINDS[key.kind].configured
        and condition["status"] == "False"
        and condition["message"]
        and condition["observedGeneration"] == raw["metadata"]["generation"]
        for condition in (raw.get("status") or {}).get("conditions") or ()
    )


def _route_statuses(
    cluster: ClusterObjects, planned: Plan, namespaces: Collection[str], refused: Collection[str]
) -> Iterator[str]:
    """Every route that refers to a gateway of ours says how it is; every other says nothing of ours."""
    raws = {(key.namespace, key.name): raw for key, raw in cluster.of("ToolRoute").items()}
    attached = {key: route for key, route in planned.routes.items() if route.gateway}
    for (namespace, name), raw in raws.items():
        if namespace not in namespaces or "deletionTimestamp" in raw["metadata"]:
            continue
        existing = raw.get("status") or {}
        route = next(
            (route for key, route in attached.items() if (key.namespace, key.name) == (namespace, name)), None
        )
        if route is None or route.gateway is None:
            if released_route(existing) is not None:
                yield f"ToolRoute {namespace}/{name} is not served by us and bears a status of ours: {existing}"
            continue
        gateway = planned.gateways.get(route.gateway)
        degraded: Failure | None = gateway.failure if gateway else None
        if route.gateway.name in refused:
            continue
        if said := _unsaid(existing, route_status(route, degraded, existing)):
            yield f"{route.key}: {said}"


def _unsaid(existing: Mapping[str, Any], status: Status) -> str:
    """Return what a status ought to say and does not; empty where it says all."""
    due = merge_status(existing, status, "")
    return f"its status ought to be {due} and is {dict(existing)}" if due is not None else ""
