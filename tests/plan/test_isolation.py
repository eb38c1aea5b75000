"""What breaks harms nobody who has nothing to do with it."""

from collections.abc import Collection
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway_components.api.tools import ToolRouteUpstream
from gateway_components.identity import Identity
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.references import gateway_of_route, references, server_reference
from gateway_components.plan.snapshot import Snapshot, Unreadable
from gateway_components.plan.upstreams import server_key
from tests.plan.strategies import snapshots, whole


def _alike(first: Plan, second: Plan, gateways: Collection[Identity], routes: Collection[Identity]) -> None:
    """Assert that two plans differ in nothing but these gateways and routes."""
    for key in {*first.gateways, *second.gateways} - set(gateways):
        assert first.gateways.get(key) == second.gateways.get(key)
    for route in {*first.routes, *second.routes} - set(routes):
        assert first.routes.get(route) == second.routes.get(route)


def _same_name(key: Identity) -> set[Identity]:
    return {key._replace(kind=kind) for kind in ("AiGateway", "ToolGateway")}


@whole
@given(snapshots(), st.data())
def test_a_gateway_changes_nothing_for_those_of_other_names(snapshot: Snapshot, data: st.DataObject) -> None:
    if not snapshot.gateways:
        return
    gone = data.draw(st.sampled_from(snapshot.gateways))
    left = tuple(found for found in snapshot.gateways if found is not gone)
    routes = {found.identity for found in snapshot.routes if gateway_of_route(found) == gone.identity}
    # Routes that lead to the gateway's routes may be in a loop with them; so may those of their gateways.
    led = _leading(snapshot, {gone.identity})
    affected = _same_name(gone.identity) | _gateways(snapshot, led)
    _alike(plan(snapshot), plan(replace(snapshot, gateways=left)), affected, routes | led)


def _leading(snapshot: Snapshot, gateways: Collection[Identity]) -> set[Identity]:
    """Return the routes whose URLs lead to gateways of the cluster at all, if one of them could be in a loop."""
    leading = {
        found.identity
        for found in snapshot.routes
        if (external := found.spec.upstream.external) and "svc.cluster.local" in external.url
    }
    return leading if gateways else set()


def _gateways(snapshot: Snapshot, routes: Collection[Identity]) -> set[Identity]:
    found = {gateway_of_route(route) for route in snapshot.routes if route.identity in routes}
    return {key for key in found if key}


@whole
@given(snapshots(), st.data())
def test_a_route_that_breaks_changes_nothing_for_others(snapshot: Snapshot, data: st.DataObject) -> None:
    if not snapshot.routes:
        return
    broken = data.draw(st.sampled_from(snapshot.routes))
    gateway, server = gateway_of_route(broken), server_key(broken.identity)
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
        {broken.identity} | led,
    )
    goes = tuple(found for found in snapshot.routes if found is not broken)
    rivals = {
        found.identity
        for found in snapshot.routes
        if gateway_of_route(found) == gateway and server_key(found.identity) == server
    }
    _alike(
        plan(snapshot),
        plan(replace(snapshot, routes=goes)),
        own | _gateways(snapshot, led),
        {broken.identity} | rivals | led,
    )


@whole
@given(snapshots(), st.data())
def test_a_broken_resource_affects_its_dependents_alone(snapshot: Snapshot, data: st.DataObject) -> None:
    if not snapshot.resources:
        return
    broken: Identity = data.draw(st.sampled_from(sorted(snapshot.resources)))
    goes = {reference: found for reference, found in snapshot.resources.items() if reference != broken}
    breaks = {**snapshot.resources, broken: Unreadable("it broke")}
    dependent = {
        found.identity for found in snapshot.gateways if broken in references(found, snapshot.resources.get)
    }
    routes = {found.identity for found in snapshot.routes if server_reference(found) == broken}
    led = _leading(snapshot, _gateways(snapshot, routes))
    # Whether a patch takes a route away is known of gateways that can be planned alone.
    patched = {found.identity for found in snapshot.routes if gateway_of_route(found) in dependent}
    for resources in (goes, breaks):
        _alike(
            plan(snapshot),
            plan(replace(snapshot, resources=resources)),
            dependent | _gateways(snapshot, routes | led),
            routes | led | patched,
        )
