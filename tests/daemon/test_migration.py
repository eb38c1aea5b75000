"""Gateways of the Go operator become ours: without an outage, with nothing left double, and beside it for a while."""

from typing import Any

from lab import wait_until
from tests.daemon.go_operator import MANAGER, GoOperator
from tests.daemon.harness import SECONDS, Namespace
from tests.daemon.manifests import gateway, guard, provider, secret, tool_gateway, tool_route

THEIRS = "of-the-go-operator"
VARIABLE = {"name": "LITELLM_LOG", "value": "INFO"}


def _their_gateways(namespace: Namespace) -> GoOperator:
    """Make a gateway of each kind, with a guard and a route, that the Go operator serves."""
    namespace.apply(
        secret("api-key-secrets", OPENAI_API_KEY="k"),
        provider("presidio"),
        guard("pii", "presidio"),
        gateway("chat", aiGatewayClassName=THEIRS, guardrails=[{"name": "pii"}], env=[VARIABLE]),
        tool_gateway("tools", toolGatewayClassName=THEIRS, guardrails=[{"name": "pii"}]),
        tool_route("docs", "tools"),
    )
    operator = GoOperator(namespace, ("AiGateway", "chat"), ("ToolGateway", "tools"))
    operator.reconcile()
    operator.report()
    operator.report_route(
        "docs", f"http://tools.{namespace.name}.svc.cluster.local/mcp/{namespace.name}__docs"
    )
    wait_until(
        lambda: _served(namespace, "chat") and _served(namespace, "tools"),
        timeout=SECONDS,
        what="both served by the Go operator",
    )
    return operator


def _hand_over(namespace: Namespace) -> None:
    namespace.patch("AiGateway", "chat", {"spec": {"aiGatewayClassName": "litellm"}})
    namespace.patch("ToolGateway", "tools", {"spec": {"toolGatewayClassName": "litellm"}})


def _pods(namespace: Namespace, name: str) -> dict[str, list[int]]:
    """Return the ready pods of a gateway, and the ports on which they listen."""
    found = namespace.lab.api.get(f"/api/v1/namespaces/{namespace.name}/pods?labelSelector=app={name}") or {
        "items": []
    }
    return {
        pod["metadata"]["name"]: [port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]]
        for pod in found["items"]
        if any(
            one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ())
        )
        and "deletionTimestamp" not in pod["metadata"]
    }


def _served(namespace: Namespace, name: str) -> bool:
    """Tell whether the Service leads to a ready pod that listens where it is sent."""

    def target() -> str | int:
        (port,) = namespace.existing("Service", name)["spec"]["ports"]
        found: str | int = port["targetPort"]
        return found

    before, pods, after = target(), _pods(namespace, name), target()
    if before != after:
        # The pods may be of a moment between the two.
        return _served(namespace, name)
    return any(after == "http" or after in ports for ports in pods.values())


def _container(namespace: Namespace, name: str) -> dict[str, Any]:
    (found,) = namespace.existing("Deployment", name)["spec"]["template"]["spec"]["containers"]
    container: dict[str, Any] = found
    return container


def _is_ours(namespace: Namespace, name: str, kind: str) -> bool:
    deployment, service = (namespace.existing(one, name) for one in ("Deployment", "Service"))
    return (
        namespace.reason(name, f"{kind}Ready", kind) == f"{kind}Ready"
        and [port["targetPort"] for port in service["spec"]["ports"]] == [80]
        and not any(key.startswith("gateway.agentic-layer.ai/") for key in namespace.hashes(name))
        and "runtime.agentic-layer.ai/handing-over" not in deployment["metadata"].get("annotations", {})
    )


def _check_nothing_is_left(namespace: Namespace, name: str, kind: str) -> None:
    assert _container(namespace, name)["ports"] == [{"name": "http", "containerPort": 80, "protocol": "TCP"}]
    assert {key.partition("/")[0] for key in namespace.hashes(name)} == {"runtime.agentic-layer.ai"}
    owner = namespace.existing(kind, name)["metadata"]["uid"]
    for one, called in (("ConfigMap", f"{name}-config"), ("Deployment", name), ("Service", name)):
        metadata = namespace.existing(one, called)["metadata"]
        assert [reference["uid"] for reference in metadata["ownerReferences"]] == [owner]
        left = [entry["fieldsV1"] for entry in metadata["managedFields"] if entry["manager"] == MANAGER]
        assert left in ([], [{"f:spec": {"f:replicas": {}}}]), f"{one} {called}"


def _templates(namespace: Namespace, name: str) -> int:
    path = f"/apis/apps/v1/namespaces/{namespace.name}/replicasets?labelSelector=app={name}"
    return len((namespace.lab.api.get(path) or {"items": []})["items"])


def test_gateways_are_adopted_without_an_outage(namespace: Namespace) -> None:
    _their_gateways(namespace)
    _hand_over(namespace)

    def ours() -> bool:
        assert all(_served(namespace, name) for name in ("chat", "tools")), "somebody was not served"
        return _is_ours(namespace, "chat", "AiGateway") and _is_ours(namespace, "tools", "ToolGateway")

    wait_until(ours, timeout=SECONDS, what="both gateways ours")
    for name, kind in (("chat", "AiGateway"), ("tools", "ToolGateway")):
        _check_nothing_is_left(namespace, name, kind)
        assert _templates(namespace, name) == 2, "pods were restarted once"
        assert "applied" in namespace.conditions(name, kind)[f"{kind}Configured"]["message"]
        assert namespace.conditions(name, kind)["Ready"]["status"] == "True"
    namespace.wait_route("docs", "Reconciled", contains="serves it")

    # What the Go operator had written goes as if it had been ours from the beginning.
    namespace.patch("AiGateway", "chat", {"spec": {"env": None}})
    wait_until(
        lambda: VARIABLE["name"] not in [one["name"] for one in _container(namespace, "chat")["env"]],
        timeout=SECONDS,
        what="the variable gone",
    )


def test_a_rival_operator_is_reported_and_outlasted(namespace: Namespace) -> None:
    operator = _their_gateways(namespace)
    with operator.running():
        _hand_over(namespace)
        for name in ("chat", "tools"):
            reported = namespace.wait_event(name, "RivalOperator", contains="scale it down to 0")
            assert reported["type"] == "Warning"

    def ours() -> bool:
        return _is_ours(namespace, "chat", "AiGateway") and _is_ours(namespace, "tools", "ToolGateway")

    # What was put right again and again is looked at once a minute.
    wait_until(ours, timeout=3 * SECONDS, what="both gateways ours")
    for name, kind in (("chat", "AiGateway"), ("tools", "ToolGateway")):
        _check_nothing_is_left(namespace, name, kind)
        assert _served(namespace, name)
