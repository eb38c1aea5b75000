"""What a reconcile sees of the cluster, and which reconciles are asked for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gateway_components.daemon.watch.dependents import Callbacks
from gateway_components.daemon.watch.view import ClusterView
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiUnreachableError
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.ownership import Applied, Drift, Mark
from gateway_components.plan.plan import plan
from gateway_components.plan.snapshot import Unreadable
from tests.daemon.fake_cluster import FakeCluster
from tests.daemon.manifests import gateway, guard, provider, secret, tool_gateway, tool_route, tool_server

GOING = "2026-01-01T00:00:00Z"
MAIN = Identity("ToolGateway", "tools", "main")


@dataclass
class Watched:
    """A view of a fake cluster, and what it asked for."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    dirty: list[str] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)
    gone: list[Identity] = field(default_factory=list)
    view: ClusterView = field(init=False)

    def __post_init__(self) -> None:
        self.woken = asyncio.Event()
        self.view = ClusterView(
            cast("FencedClient", self.cluster),
            Callbacks(self._wake, self.leaving.append, self.gone.append, lambda _: None),
        )

    def _wake(self, namespace: str) -> None:
        self.dirty.append(namespace)
        self.woken.set()

    async def settle(self) -> None:
        await self.cluster.seen()


@contextlib.asynccontextmanager
async def watching(watched: Watched) -> AsyncIterator[None]:
    running = asyncio.create_task(watched.view.run())
    try:
        await asyncio.wait_for(watched.view.synced(), 60)
        # Every watch is on before the first change is made.
        watched.dirty.clear()
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def planned_names(snapshot: Any) -> list[str]:
    return [found.metadata.name for found in snapshot.gateways]


async def test_a_gateway_seen_first_waits_for_its_namespace() -> None:
    watched = Watched()
    watched.cluster.put("tools", tool_gateway("main"))
    async with watching(watched):
        assert watched.view.leaves("tools"), "a namespace that is not in the cache is no place to work in"
        assert planned_names(await watched.view.snapshot("tools")) == []

        watched.cluster.add_namespace("tools")
        await watched.settle()

        assert watched.dirty == ["tools"]
        assert planned_names(await watched.view.snapshot("tools")) == ["main"]


async def test_a_terminating_namespace_gets_nothing_new() -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    watched.cluster.put("tools", tool_gateway("main"))
    async with watching(watched):
        assert not watched.view.leaves("tools")

        watched.cluster.add_namespace("tools", deletionTimestamp=GOING)
        await watched.settle()

        assert (watched.leaving, watched.dirty) == (["tools"], ["tools"])
        assert planned_names(await watched.view.snapshot("tools")) == []
        assert watched.view.raw(MAIN) is None


async def test_a_namespace_gone_before_its_gateway_is_terminating() -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    watched.cluster.put("tools", tool_gateway("main"))
    async with watching(watched):
        watched.cluster.delete("", "Namespace", "tools")
        await watched.settle()

        assert planned_names(await watched.view.snapshot("tools")) == []


async def test_a_reconcile_sees_all_that_refers_to_its_gateways() -> None:
    watched = Watched()
    for name in ("tools", "routes", "guards"):
        watched.cluster.add_namespace(name)
    watched.cluster.put("tools", tool_gateway("main", guardrails=[{"name": "g", "namespace": "guards"}]))
    watched.cluster.put("tools", tool_route("detached"), tool_route("away", "routes/other"))
    watched.cluster.put("routes", tool_route("near", "tools/main", server="s"), tool_server("s"))
    watched.cluster.put("guards", guard("g", "p"), provider("p"), tool_server("unrelated"))
    async with watching(watched):
        snapshot = await watched.view.snapshot("tools")

    assert sorted(route.metadata.name for route in snapshot.routes) == ["detached", "near"]
    assert set(snapshot.resources) == {
        Identity("Guard", "guards", "g"),
        Identity("GuardrailProvider", "guards", "p"),
        Identity("ToolServer", "routes", "s"),
    }


async def test_each_version_of_a_secret_is_read_once() -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    moderation: dict[str, Any] = {
        "type": "openai-moderation-api",
        "openaiModeration": {"apiKeySecretRef": {"name": "k", "key": "k"}},
    }
    watched.cluster.put("tools", tool_gateway("main", guardrails=[{"name": "g", "namespace": "guards"}]))
    watched.cluster.put("guards", guard("g", "p"), provider("p", **moderation), secret("k"))
    watched.cluster.put("tools", {**secret("api-key-secrets"), "data": {}})
    path = "/api/v1/namespaces/tools/secrets/api-key-secrets"
    async with watching(watched):
        await watched.view.snapshot("tools")
        await watched.view.snapshot("tools")
        assert watched.cluster.read == [path]

        watched.cluster.put("tools", {**secret("api-key-secrets"), "data": {"k": "djI="}})
        await watched.settle()
        (content,) = (await watched.view.snapshot("tools")).contents.values()

    assert watched.cluster.read == [path, path]
    assert content.data == {}, "of a Secret there is a digest only"


async def test_a_reconcile_sees_what_is_absent_and_which_hashes_run() -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    watched.cluster.put("tools", tool_gateway("main", envFrom=[{"secretRef": {"name": "tokens"}}]))
    watched.cluster.put("tools", {**secret("tokens"), "data": {}})
    template = {"metadata": {"annotations": {"x/secret-hash": "one"}}}
    deployment = {"kind": "Deployment", "metadata": {"name": "main"}, "spec": {"template": template}}
    watched.cluster.put("tools", deployment)
    async with watching(watched):
        before = await watched.view.snapshot("tools")
        watched.cluster.delete("tools", "Secret", "tokens")
        await watched.settle()
        after = await watched.view.snapshot("tools")

    assert before.running == after.running == {MAIN: {"x/secret-hash": "one"}}
    assert before.absent == {Identity("Secret", "tools", "api-key-secrets")}
    assert after.absent - before.absent == {Identity("Secret", "tools", "tokens")}


SPOILED = [("no base64", {"k": "abc"}), ("no text", {"k": 7}), ("a list", {"k": []})]


@pytest.mark.parametrize(("case", "data"), SPOILED, ids=[case[0] for case in SPOILED])
async def test_a_secret_that_came_spoiled_is_read_again(case: str, data: dict[str, Any]) -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    watched.cluster.put("tools", tool_gateway("main"), {**secret("api-key-secrets"), "data": data})
    async with watching(watched):
        with pytest.RaisesGroup(pytest.RaisesExc(ApiUnreachableError, match="api-key-secrets")):
            await watched.view.snapshot("tools")


async def test_what_cannot_be_read_is_reported_as_far_as_possible() -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    odd_gateway = gateway("odd", port="many")
    odd_route = tool_route("odd", "main", toolFilter="all")
    odd_guard = guard("odd", "p", "whenever")
    lost_route = tool_route("lost", "main")
    lost_route["spec"]["toolGatewayRef"] = "main"
    main = tool_gateway("main", guardrails=[{"name": "odd"}])
    watched.cluster.put("tools", odd_gateway, main, odd_route, odd_guard, lost_route)
    async with watching(watched):
        snapshot = await watched.view.snapshot("tools")
        fault = watched.view.fault(Identity("ToolRoute", "tools", "odd"))

    ((odd, unreadable),) = snapshot.unreadable_gateways.items()
    assert (odd.name, unreadable.class_name) == ("odd", "litellm")
    assert "spec.port" in unreadable.message
    assert isinstance(snapshot.resources[Identity("Guard", "tools", "odd")], Unreadable)
    assert "spec.toolFilter" in fault
    (route,) = snapshot.routes
    assert route.metadata.name == "odd", "a route whose gateway cannot be told is nobody's"


@pytest.mark.parametrize(
    ("applied", "found"),
    [
        pytest.param(1, True, id="what another operator left beside our fields"),
        pytest.param(10**9, False, id="what was seen before we applied says nothing"),
    ],
)
async def test_what_a_rival_leaves_behind_is_drift(applied: int, found: bool) -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    hashes = {f"{owner}.agentic-layer.ai/config-hash": "1" for owner in ("gateway", "runtime")}
    watched.cluster.put(
        "tools",
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "main"},
            "spec": {"template": {"metadata": {"annotations": hashes}}},
        },
    )
    deployment = Identity("Deployment", "tools", "main")
    async with watching(watched):
        mark = Mark("", applied, frozenset())
        drifts = watched.view.drifts(Applied("", "", {deployment: mark}))

    assert [one.object for one in drifts] == [deployment] * found


@pytest.mark.parametrize("kind", ["ConfigMap", "Deployment", "Service"])
async def test_what_somebody_made_anew_is_drift(kind: str) -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    theirs = {"kind": kind, "metadata": {"name": "main"}, "spec": {"template": {}}}
    watched.cluster.put("tools", theirs)
    key = Identity(kind, "tools", "main")
    async with watching(watched):
        mark = Mark("the one that we made", 1, frozenset({"spec"}))
        drifts = watched.view.drifts(Applied("", "", {key: mark}))

    assert drifts == [Drift(key)]


@pytest.mark.parametrize(
    ("changed", "refers_to"),
    [({}, "elsewhere/main"), ({"generation": 99}, "missing"), ({"uid": "another"}, "missing")],
    ids=["moved", "edited", "made again"],
)
async def test_a_route_that_is_not_as_planned_is_not_reported_on(
    changed: dict[str, Any], refers_to: str
) -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    watched.cluster.put("tools", tool_gateway("main"), tool_route("moving", "missing"))
    async with watching(watched):
        (planned,) = plan(await watched.view.snapshot("tools")).routes.values()
        assert watched.view.route(planned)

        by_now = tool_route("moving", refers_to)
        by_now["metadata"] |= {"uid": planned.uid, "generation": planned.generation, **changed}
        watched.cluster.put("tools", by_now)
        await watched.settle()

        assert watched.view.route(planned) is None


@pytest.mark.parametrize("manager", ["litellm-gateways", "somebody"])
async def test_an_earlier_daemon_is_known_by_who_owns_the_conditions(manager: str) -> None:
    watched = Watched()
    watched.cluster.add_namespace("tools")
    written = tool_gateway("main")
    fields: dict[str, Any] = {"f:status": {"f:conditions": {}}}
    written["metadata"]["managedFields"] = [{"manager": manager, "fieldsV1": fields}]
    watched.cluster.put("tools", written)
    async with watching(watched):
        assert watched.view.reported(MAIN) is (manager == "litellm-gateways")
        raw = watched.view.raw(MAIN)
        assert raw is not None
        assert "managedFields" not in raw["metadata"]


OURS = "litellm.agentic-layer.ai/tool-gateway-litellm-controller"


def tool_class(**spec: Any) -> dict[str, Any]:
    return {"kind": "ToolGatewayClass", "metadata": {"name": "litellm"}, "spec": spec}


def claimed() -> Watched:
    """Return a cluster with a gateway of ours that has a route."""
    watched = Watched()
    watched.cluster.add_namespace("tools")
    watched.cluster.put("", tool_class(controller=OURS))
    watched.cluster.put("tools", tool_gateway("main"), tool_route("route", "main"), tool_route("detached"))
    return watched


def vanish(watched: Watched) -> None:
    watched.cluster.delete("", "ToolGatewayClass", "litellm")


def become_unreadable(watched: Watched) -> None:
    watched.cluster.put("", tool_class())


@pytest.mark.parametrize("lose", [vanish, become_unreadable])
async def test_a_gateway_without_its_class_is_left_alone(
    lose: Callable[[Watched], None],
) -> None:
    watched = claimed()
    async with watching(watched):
        assert not (await watched.view.snapshot("tools", [MAIN])).undecided
        lose(watched)
        await watched.settle()

        snapshot = await watched.view.snapshot("tools", [MAIN])

    assert watched.dirty == ["tools"]
    assert snapshot.undecided == {MAIN}
    assert not snapshot.gateways
    assert [route.metadata.name for route in snapshot.routes] == ["detached"]


async def test_a_gateway_whose_class_left_us_is_released_at_once() -> None:
    watched = claimed()
    async with watching(watched):
        watched.cluster.put("", tool_class(controller="example.com/another"))
        await watched.settle()

        snapshot = await watched.view.snapshot("tools", [MAIN])

    assert not snapshot.undecided
    assert planned_names(snapshot) == ["main"]


async def test_a_gateway_with_nothing_to_lose_needs_no_class() -> None:
    watched = claimed()
    async with watching(watched):
        vanish(watched)
        await watched.settle()

        assert not (await watched.view.snapshot("tools")).undecided


async def test_a_gateway_that_is_gone_is_so_at_once() -> None:
    watched = claimed()
    async with watching(watched):
        watched.cluster.delete("tools", "ToolGateway", "main")
        await watched.settle()

        assert not (await watched.view.snapshot("tools", [MAIN])).undecided


async def test_a_gateway_that_only_a_list_lacks_is_kept() -> None:
    watched = claimed()
    path = "/apis/runtime.agentic-layer.ai/v1alpha1/namespaces/tools/toolgateways/main"
    watched.cluster.hidden.add(path)
    async with watching(watched):
        watched.cluster.hidden.clear()
        watched.woken.clear()
        snapshot = await watched.view.snapshot("tools", [MAIN])
        assert snapshot.undecided == {MAIN}
        assert [route.metadata.name for route in snapshot.routes] == ["detached"]

        await asyncio.wait_for(watched.woken.wait(), 60)
        assert planned_names(await watched.view.snapshot("tools", [MAIN])) == ["main"]
