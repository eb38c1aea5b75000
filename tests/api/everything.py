"""Of each kind, manifests that have every field of its spec."""

from tests.api.case import gateway, gateway_class, guard, manifest, provider, route, server, tool_gateway

OVERLAY = {"labels": {"a": "b"}, "annotations": {"c": "d"}}
REFERENCE = {
    "apiVersion": "a",
    "fieldPath": "b",
    "kind": "c",
    "name": "d",
    "namespace": "e",
    "resourceVersion": "f",
    "uid": "g",
}
KEY = {"name": "s", "key": "k", "optional": False}

# What the kinds have in common stands in full in one of them only; their schemas are those of the reference.
EVERYTHING = (
    gateway(
        aiGatewayClassName="litellm",
        commonMetadata=OVERLAY,
        podMetadata=OVERLAY,
        env=[
            {"name": "A", "value": "b"},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
            {"name": "C", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
            {
                "name": "D",
                "valueFrom": {"fileKeyRef": {"key": "k", "optional": True, "path": "p", "volumeName": "v"}},
            },
            {
                "name": "E",
                "valueFrom": {
                    "resourceFieldRef": {"containerName": "c", "divisor": "1", "resource": "limits.cpu"}
                },
            },
            {"name": "F", "valueFrom": {"secretKeyRef": KEY}},
        ],
        envFrom=[
            {"prefix": "P_", "configMapRef": {"name": "c", "optional": True}},
            {"secretRef": {"name": "s", "optional": True}},
        ],
        guardrails=[REFERENCE],
        port=4000,
    ),
    gateway_class({"controller": "c"}),
    tool_gateway(
        toolGatewayClassName="litellm",
        commonMetadata={"labels": {"a": "b"}},
        podMetadata={"annotations": {"c": "d"}},
        env=[{"name": "A"}],
        envFrom=[{"prefix": "P_"}],
        guardrails=[{"name": "g"}],
    ),
    manifest("ToolGatewayClass", {"controller": "c"}),
    route(
        {"toolServerRef": REFERENCE},
        toolFilter={"allow": ["a"], "deny": ["b"]},
        toolGatewayRef={"name": "g", "namespace": "n"},
    ),
    route({"external": {"url": "http://h/mcp"}}),
    server(
        args=["a"],
        command=["b"],
        commonMetadata={"labels": {"a": "b"}},
        podMetadata={"annotations": {"c": "d"}},
        env=[{"name": "A"}],
        envFrom=[{"prefix": "P_"}],
        imagePullSecrets=[{"name": "s"}],
        path="/mcp",
        port=8000,
        protocol="mcp",
        replicas=2,
        resources={
            "claims": [{"name": "a", "request": "r"}, {"name": "b"}],
            "limits": {"cpu": 1, "memory": "1Gi"},
            "requests": {"cpu": "100m"},
        },
        transportType="sse",
    ),
    guard(
        bedrock={"guardrailId": "a", "guardrailVersion": "1"},
        description="d",
        mode=["pre_call", "post_call"],
        openaiModeration={"model": "m"},
        presidio={"entityActions": {"A": "MASK"}, "language": "en", "scoreThresholds": {"ALL": "0.5"}},
        providerRef={"name": "p", "namespace": "n"},
    ),
    provider(
        bedrock={"credentialsSecretRef": {"name": "a", "namespace": "b"}, "region": "r"},
        openaiModeration={"apiKeySecretRef": KEY, "baseUrl": "https://h/v1"},
        presidio={"apiKeySecretRef": KEY, "baseUrl": "http://h"},
    ),
)
