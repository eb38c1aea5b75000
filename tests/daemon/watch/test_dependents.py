"""What a change of any watched object asks for, and what finding that out costs."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway_components.api.kinds import TOOL_GATEWAY
from gateway_components.daemon.watch.dependents import Index
from gateway_components.identity import Identity
from tests.daemon.manifests import gateway, guard, provider, reference, tool_gateway, tool_route, tool_server
from tests.daemon.watch.trigger_cluster import Cluster, filled_cluster, plain, tool_class


@pytest.fixture
def cluster() -> Cluster:
    return filled_cluster()


Edit = Callable[[Cluster], None]

EDITS: list[tuple[str, Edit, list[str]]] = [
    ("a Guard", lambda c: c.put("guards", guard("pii", "providers/other")), ["models", "tools"]),
    (
        "a provider reached through a Guard",
        lambda c: c.put("providers", provider("presidio", "http://b.c:1")),
        ["models", "tools"],
    ),
    ("a ToolServer", lambda c: c.put("servers", tool_server("s", port=1)), ["tools"]),
    ("a Guard nobody refers to", lambda c: c.put("guards", guard("other", "providers/presidio")), []),
    ("a ToolServer nobody refers to", lambda c: c.put("servers", tool_server("other")), []),
    ("a route", lambda c: c.put("routes", tool_route("r", "tools/bare")), ["tools"]),
    ("a route that moves", lambda c: c.put("routes", tool_route("r", "models/main")), ["models", "tools"]),
    ("a route that is detached", lambda c: c.put("routes", tool_route("r")), ["routes", "tools"]),
    (
        "a route that is attached",
        lambda c: c.put("routes", tool_route("detached", "new/g")),
        ["new", "routes"],
    ),
    (
        "a route to a namespace that cannot exist",
        lambda c: c.put("routes", tool_route("r", "../../etc/g")),
        ["routes", "tools"],
    ),
    ("a route that goes", lambda c: c.delete("ToolRoute", "routes", "r"), ["tools"]),
    ("a gateway", lambda c: c.put("tools", tool_gateway("main", env=[])), ["tools"]),
    ("a gateway that goes", lambda c: c.delete("ToolGateway", "tools", "main"), ["tools"]),
    ("a class", lambda c: c.put("", tool_class()), ["routes", "tools"]),
    ("a Secret that is used", lambda c: c.put("tools", plain("Secret", "api-key-secrets")), ["tools"]),
    ("a Secret that is not", lambda c: c.put("tools", plain("Secret", "other")), []),
    ("a Secret of another namespace", lambda c: c.put("routes", plain("Secret", "api-key-secrets")), []),
    ("an owned ConfigMap that comes", lambda c: c.put("tools", plain("ConfigMap", "main-config")), ["tools"]),
    ("an owned Service that comes", lambda c: c.put("models", plain("Service", "chat")), ["models"]),
    ("somebody's Service", lambda c: c.put("models", plain("Service", "other")), []),
    ("a namespace that comes", lambda c: c.set_namespace("tools", False), ["tools"]),
    ("a namespace of no interest", lambda c: c.set_namespace("elsewhere", False), []),
]


@pytest.mark.parametrize(("case", "edit", "woken"), EDITS, ids=[case[0] for case in EDITS])
def test_a_change_wakes_exactly_those_it_concerns(
    cluster: Cluster, case: str, edit: Edit, woken: list[str]
) -> None:
    edit(cluster)

    assert cluster.woken() == woken, case


def test_a_class_that_was_meant_to_be_ours_is_logged(cluster: Cluster) -> None:
    meant = {**tool_class(), "spec": {"controller": TOOL_GATEWAY.controller}}
    wrong = {**meant, "spec": {"controller": "litellm.agentic-layer.ai/ai-gateway-litellm-controller"}}
    with capture_logs() as lines:
        cluster.put("", meant)
        cluster.put("", wrong)

    assert [(line["event"], line["cure"]) for line in lines] == [
        ("unknown controller", f"did you mean {TOOL_GATEWAY.controller}?")
    ]


def test_a_missing_guard_is_awaited_and_leads_to_its_secret() -> None:
    cluster = Cluster()
    cluster.put("tools", tool_gateway("main", guardrails=[reference("guards/later")]))
    cluster.woken()

    cluster.put("guards", guard("later", "p"))
    assert cluster.woken() == ["tools"]
    key = {"name": "moderation-key", "key": "k"}
    moderation: dict[str, Any] = {
        "type": "openai-moderation-api",
        "openaiModeration": {"apiKeySecretRef": key},
    }
    cluster.put("guards", provider("p", **moderation))
    assert cluster.woken() == ["tools"]
    cluster.put("guards", plain("Secret", "moderation-key"))
    assert cluster.woken() == ["tools"]

    cluster.put("guards", guard("later", "another"))
    assert cluster.woken() == ["tools"]
    cluster.put("guards", plain("Secret", "moderation-key"), provider("p"))
    assert cluster.woken() == [], "nothing of the old provider is referred to any more"


def test_a_status_wakes_nobody(cluster: Cluster) -> None:
    for kind, namespace, name in (("ToolGateway", "tools", "main"), ("ToolRoute", "routes", "r")):
        cluster.write({**cluster.manifests[kind, namespace, name], "status": {"conditions": []}})

    assert cluster.woken() == []


@pytest.mark.parametrize(
    ("manager", "woken"),
    [("litellm-gateways", []), ("kubectl-edit", ["tools"])],
    ids=["our own status wakes nobody", "what somebody wrote over it is put right"],
)
@pytest.mark.parametrize(
    ("kind", "namespace", "name"), [("ToolGateway", "tools", "main"), ("ToolRoute", "routes", "r")]
)
def test_a_status_that_was_ours_wakes_its_pass(
    cluster: Cluster, kind: str, namespace: str, name: str, manager: str, woken: list[str]
) -> None:
    def write(url: str, owner: str) -> None:
        raw = cluster.manifests[kind, namespace, name]
        written = {"manager": owner, "fieldsV1": {"f:status": {".": {}, "f:url": {}}}}
        metadata = {**raw["metadata"], "managedFields": [written]}
        cluster.write({**raw, "metadata": metadata, "status": {"url": url}})

    write("http://ours", "litellm-gateways")
    assert cluster.woken() == []

    write("http://other", manager)
    assert cluster.woken() == woken


def test_a_namespace_that_goes_is_reported(cluster: Cluster) -> None:
    cluster.set_namespace("tools", False)
    assert cluster.leaving == []

    cluster.set_namespace("tools", True)
    assert cluster.leaving == ["tools"]
    assert cluster.woken() == ["tools", "tools"]


def test_a_namespace_that_vanishes_unseen_counts_as_going(cluster: Cluster) -> None:
    cluster.set_namespace("tools", False)
    cluster.set_namespace("tools", None)

    assert cluster.leaving == ["tools"]


def test_every_namespace_with_something_to_say_gets_passes(cluster: Cluster) -> None:
    cluster.put("routes", tool_route("lost", "nowhere/gateway"))

    assert cluster.triggers.namespaces() == {"tools", "models", "routes", "nowhere"}
    assert cluster.triggers.subjects("nowhere") == [Identity("ToolRoute", "routes", "lost")]
    cluster.delete("ToolRoute", "routes", "lost")
    assert "nowhere" not in cluster.triggers.namespaces()
    assert cluster.gone == [Identity("ToolRoute", "routes", "lost")]
    cluster.delete("AiGateway", "models", "chat")
    assert "models" not in cluster.triggers.namespaces()


def test_what_nobody_uses_may_be_dropped(cluster: Cluster) -> None:
    cluster.put("tools", plain("Secret", "api-key-secrets"), plain("Secret", "other"))

    assert cluster.unused == [Identity("Secret", "tools", "other")]


def test_what_no_gateway_uses_any_more_may_be_dropped() -> None:
    cluster = Cluster()
    patched = {"ai-gateway-litellm.agentic-layer.ai/config-patch": "patch"}
    main, twin = tool_gateway("main"), tool_gateway("twin")
    main["metadata"]["annotations"] = patched
    twin["metadata"]["annotations"] = patched
    cluster.put("tools", main, twin)

    cluster.put("tools", tool_gateway("main"))
    assert cluster.unused == [], "the twin still has the patch"
    cluster.delete("ToolGateway", "tools", "main")
    cluster.delete("ToolGateway", "tools", "twin")

    assert sorted(cluster.unused) == [
        Identity("ConfigMap", "tools", "patch"),
        Identity("Secret", "tools", "api-key-secrets"),
    ]


# A class concerns every gateway of its kind, however many there are.
LOCAL_EDITS = [case for case in EDITS if case[0] != "a class"]


@pytest.mark.parametrize(("case", "edit", "woken"), LOCAL_EDITS, ids=[case[0] for case in LOCAL_EDITS])
def test_the_cost_of_a_change_does_not_grow_with_the_cluster(case: str, edit: Edit, woken: list[str]) -> None:
    work = []
    for unrelated in (2, 100):
        cluster = filled_cluster()
        _fill(cluster, unrelated)
        cluster.woken()

        work.append(_lines(lambda c=cluster: edit(c)))  # type: ignore[misc]

        assert cluster.woken() == woken
    assert work[0] == work[1], "the same steps, whatever else there is"
    assert work[0] > 0


def _fill(cluster: Cluster, number: int) -> None:
    for index in range(number):
        place = f"other-{index}"
        cluster.put(
            place,
            gateway("chat", guardrails=[reference("g")]),
            tool_gateway("tools", guardrails=[reference("g")]),
            tool_route("r", "tools", server="s"),
            guard("g", "p"),
            provider("p"),
            tool_server("s"),
            plain("Secret", "api-key-secrets"),
        )


def _lines(work: Callable[[], None]) -> int:
    """Return how many lines of the daemon's own modules run during `work`; a loop counts each time around."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "/gateway_components/daemon/" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_routes_to_missing_namespaces_ask_for_one_reconcile() -> None:
    cluster = Cluster()
    cluster.knows_namespaces = True
    cluster.set_namespace("routes", leaving=False)
    cluster.put("routes", *(tool_route(f"r{number}", f"nowhere-{number}/g") for number in range(100)))

    assert set(cluster.woken()) == {"routes"}
    assert cluster.triggers.namespaces() == {"routes"}
    assert len(cluster.triggers.subjects("routes")) == 100


def test_a_route_follows_its_namespace_that_comes_and_goes() -> None:
    cluster = Cluster()
    cluster.knows_namespaces = True
    cluster.set_namespace("routes", leaving=False)
    cluster.put("routes", tool_route("r", "tools/g"), tool_route("other", "elsewhere/g"))
    cluster.woken()

    cluster.set_namespace("tools", leaving=False)
    assert cluster.triggers.subjects("tools") == [Identity("ToolRoute", "routes", "r")]
    assert set(cluster.woken()) == {"routes", "tools"}

    cluster.set_namespace("tools", leaving=True)
    assert cluster.triggers.subjects("tools") == [Identity("ToolRoute", "routes", "r")]
    cluster.set_namespace("tools", None)
    assert sorted(cluster.triggers.subjects("routes"), key=str) == [
        Identity("ToolRoute", "routes", "other"),
        Identity("ToolRoute", "routes", "r"),
    ]
    assert "routes" in cluster.woken()


def test_referrers_follow_what_a_key_refers_to() -> None:
    index: Index[str, str] = Index()
    index.set("a", ["x", "y"])
    index.set("b", ["y"])

    assert index.referrers("x") == {"a"}
    assert index.referrers("y") == {"a", "b"}

    index.set("a", ["z"])
    assert index.referrers("x") == frozenset()
    assert index.referrers("y") == {"b"}
    assert index.references("a") == {"z"}


def test_a_key_that_refers_to_nothing_leaves_nothing_behind() -> None:
    index: Index[str, str] = Index()
    index.set("a", ["x"])
    index.set("a", [])

    assert index.references("a") == frozenset()
    assert vars(index) == vars(Index())
