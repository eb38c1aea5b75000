"""What breaks harms nobody who has nothing to do with it."""

from collections.abc import Collection
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway_components.crds.toolroute import ToolRouteUpstream
from gateway_components.plan.keys import GatewayKey, Reference, RouteKey
from gateway_components.plan.plan import Plan, gateway_key, plan
from gateway_components.plan.references import gateway_of_route, references, server_reference
from gateway_components.plan.routes import route_key, server_key
from gateway_components.plan.snapshot import Snapshot, Unreadable
from tests.plan.strategies import snapshots, whole


def _alike(first: Plan, second: Plan, gateways: Collection[GatewayKey], routes: Collection[RouteKey]) -> None:
    """Assert that two plans differ in nothing but these gateways and routes."""
    for key in {*first.gateways, *second.gateways} - set(gateways):
        assert first.gateways.get(key) == second.gateways.get(key)
    for route in {*first.routes, *second.routes} - set(routes):
        assert first.routes.get(route) == second.routes.get(route)


def _same_name(key: GatewayKey) -> set[GatewayKey]:
    return {replace(key, kind=kind) for kind in ("AiGateway", "ToolGateway")}


@whole
@given(snapshots(), st.data())
def test_a_gateway_changes_nothing_for_those_of_other_names(snapshot: Snapshot, data: st.DataObject) -> None:
    if not snapshot.gateways:
        return
    gone = data.draw(st.sampled_from(snapshot.gateways))
    left = tuple(found for found in snapshot.gateways if found is not gone)
    routes = {route_key(found) for found in snapshot.routes if gateway_of_route(found) == gateway_key(gone)}
    # Routes that lead to the gateway's routes may be in a loop with them; so may those of their gateways.
    led = _leading(snapshot, {gateway_key(gone)})
    affected = _same_name(gateway_key(gone)) | _gateways(snapshot, led)
    _alike(plan(snapshot), plan(replace(snapshot, gateways=left)), affected, routes | led)


def _leading(snapshot: Snapshot, gateways: Collection[GatewayKey]) -> set[RouteKey]:
    """Return the routes whose URLs lead to gateways of the cluster at all, if one of them could be in a loop."""
    leading = {
        route_key(found)
        for found in snapshot.routes
        if (external := found.spec.upstream.external) and "svc.cluster.local" in external.url
    }
    return leading if gateways else set()


def _gateways(snapshot: Snapshot, routes: Collection[RouteKey]) -> set[GatewayKey]:
    found = {gateway_of_route(route) for route in snapshot.routes if route_key(route) in routes}
    return {key for key in found if key}


@whole
@given(snapshots(), st.data())
def test_a_route_that_breaks_changes_nothing_for_others(snapshot: Snapshot, data: st.DataObject) -> None:
    if not snapshot.routes:
        return
    broken = data.draw(st.sampled_from(snapshot.routes))
    gateway, server = gateway_of_route(broken), server_key(route_key(broken))
    odd = ToolRouteUpstream.model_construct(tool_server_ref=None, external=None)
    spec = broken.spec.model_copy(update={"upstream": odd})
    breaks = tuple(
        found.model_copy(update={"spec": spec}) if found is broken else found for found in snapshot.routes
    )
    led = _leading(snapshot, {gateway} if gateway else ())
    own = {gateway} if gateway else set()
    # A route that is broken keeps its key, so that not even one with the same key changes.
    _alike(
        plan(snapshot),
        plan(replace(snapshot, routes=breaks)),
        own | _gateways(snapshot, led),
        {route_key(broken)} | led,
    )
    goes = tuple(found for found in snapshot.routes if found is not broken)
    rivals = {
        route_key(found)
        for found in snapshot.routes
        if gateway_of_route(found) == gateway and server_key(route_key(found)) == server
    }
    _alike(
        plan(snapshot),
        plan(replace(snapshot, routes=goes)),
        own | _gateways(snapshot, led),
        {route_key(broken)} | rivals | led,
    )


@whole
@given(snapshots(), st.data())
def test_a_resource_that_breaks_changes_nothing_for_those_that_do_not_depend_on_it(
    snapshot: Snapshot, data: st.DataObject
) -> None:
    if not snapshot.resources:
        return
    broken: Reference = data.draw(st.sampled_from(sorted(snapshot.resources)))
    goes = {reference: found for reference, found in snapshot.resources.items() if reference != broken}
    breaks = {**snapshot.resources, broken: Unreadable("it broke")}
    dependent = {
        gateway_key(found)
        for found in snapshot.gateways
        if broken in references(found, snapshot.resources.get)
    }
    routes = {route_key(found) for found in snapshot.routes if server_reference(found) == broken}
    led = _leading(snapshot, _gateways(snapshot, routes))
    # Whether a patch takes a route away is known of gateways that can be planned alone.
    patched = {route_key(found) for found in snapshot.routes if gateway_of_route(found) in dependent}
    for resources in (goes, breaks):
        _alike(
            plan(snapshot),
            plan(replace(snapshot, resources=resources)),
            dependent | _gateways(snapshot, routes | led),
            routes | led | patched,
        )
