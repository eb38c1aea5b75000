"""What a user reads about faulty manifests: line, object, field, message and cure."""

import pytest

from tests.manifests.conftest import Read
from tests.manifests.texts import ANNOTATION, GATEWAY, PATCH, PATCHED, SECRET, gateway_class, joined

FIELD = f"metadata.annotations[{ANNOTATION}]"
NOT_BASE64 = "the value is not base64"
NOT_TEXT = "the value is not text"

REPORTED: tuple[tuple[str, str, str], ...] = (
    (
        GATEWAY.replace("      provider: openai\n", ""),
        "8: error: AiGateway example: spec.aiModels[0].provider: is required but missing; add provider there",
        "the nearest part of a missing field has the line",
    ),
    (
        f"{GATEWAY}  prot: 80\n",
        "10: error: AiGateway example: spec.prot: is not a field of this kind; did you mean port?",
        "an unknown field has its own line",
    ),
    (
        PATCHED,
        (
            f'6: error: AiGateway example: {FIELD}: configmap "extra" not found; '
            "create it with a key patch.yaml, or remove the annotation"
        ),
        "a missing patch is a fault of the annotation",
    ),
    (
        joined(PATCHED, PATCH.replace("    router_settings: {", "    router_settings: [")),
        f'6: error: AiGateway example: {FIELD}: configmap "extra" key "patch.yaml": line 1, column 47',
        "a broken patch tells its own line as well",
    ),
    (
        GATEWAY.replace("litellm", "gone"),
        (
            "6: warning: AiGateway example: spec.aiGatewayClassName: class gone is not among the files, "
            "so another controller runs it; the gateway is left out"
        ),
        "a class that only a cluster may hold",
    ),
    (
        GATEWAY.replace("litellm", "litelm"),
        "6: error: AiGateway example: spec.aiGatewayClassName: there is no class litelm; did you mean litellm?",
        "a slip in the class",
    ),
    (
        GATEWAY.replace("litellm", "LiteLLM"),
        "6: error: AiGateway example: spec.aiGatewayClassName: there is no class LiteLLM; did you mean litellm?",
        "a class in capitals",
    ),
    (
        gateway_class("litellm", "litellm.agentic-layer.ai/ai-gateway-litellm-controller"),
        (
            "4: error: AiGatewayClass litellm: spec.controller: "
            '"litellm.agentic-layer.ai/ai-gateway-litellm-controller" is no controller, so '
            "nobody runs the gateways of this class; did you mean "
            "aigateway.agentic-layer.ai/ai-gateway-litellm-controller?"
        ),
        "a class whose controller was meant to be ours",
    ),
    (
        GATEWAY.replace("litellm", "litellm-gateway"),
        (
            "6: warning: AiGateway example: spec.aiGatewayClassName: class litellm-gateway is not among the files, "
            "so another controller runs it; the gateway is left out; did you mean litellm?"
        ),
        "a class that may be another one",
    ),
    (
        GATEWAY.replace("  aiGatewayClassName: litellm\n", ""),
        (
            "5: warning: AiGateway example: spec.aiGatewayClassName: the gateway names no class, "
            "and no class of ours among the files is the default; the gateway is left out"
        ),
        "no class and no default",
    ),
    (
        joined(GATEWAY.replace("litellm", "litelm"), gateway_class("litellm", "example.com/c")),
        (
            "6: warning: AiGateway example: spec.aiGatewayClassName: class litelm is not among the files, "
            "so another controller runs it; the gateway is left out; did you mean litellm?"
        ),
        "a slip in the class of another controller",
    ),
    (
        joined(GATEWAY, PATCH.replace("extra", "example-config")),
        (
            '4: error: AiGateway example: metadata.name: ConfigMap "example-config" exists and does not belong to '
            "this gateway; it is left as it is (ConfigMap default/example-config: "
        ),
        "a ConfigMap of the name that the gateway wants",
    ),
    (
        GATEWAY.replace("name: example", "generateName: example-"),
        (
            "3: error: AiGateway: metadata.name: is missing or empty; "
            "give it a name: generateName works with kubectl create alone"
        ),
        "a name that the API server would make up",
    ),
    (
        GATEWAY.replace("  name: example", "  namespace: A_b\n  name: example"),
        '4: error: AiGateway A_b/example: metadata.namespace: is "A_b", which is not a valid namespace name',
        "a namespace that cannot exist",
    ),
    (
        GATEWAY.replace("AiGateway\n", "AiGatewy\n"),
        (
            "2: warning: AiGatewy example: kind: kind AiGatewy of runtime.agentic-layer.ai/v1alpha1 "
            "is not handled here and left out; did you mean AiGateway?"
        ),
        "a slip in the kind",
    ),
    (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
        "1: warning: 1 object of another kind is left out: Pod",
        "a kind of others",
    ),
    (
        "".join(
            f"---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\n" for kind in ("Pod", "Job", "Pod")
        ),
        "2: warning: 3 objects of other kinds are left out: Job, 2 Pod",
        "several kinds of others",
    ),
    (
        "".join(f"---\napiVersion: v1\nkind: K{kind}\nmetadata: {{name: a}}\n" for kind in range(10)),
        "2: warning: 10 objects of other kinds are left out: K0, K1, K2, K3, K4, K5, K6, K7 and 2 more",
        "too many kinds to list",
    ),
    (
        GATEWAY.replace("AiGateway\n", "AgentGateway\n"),
        "1: warning: 1 object of another kind is left out: AgentGateway",
        "a kind of our group that another operator has",
    ),
    (
        SECRET.replace("v1", "kagent.dev/v1").replace("Secret", "ToolServer"),
        "1: warning: 1 object of another kind is left out: ToolServer",
        "a kind that another project calls as we do",
    ),
    (
        GATEWAY.replace("runtime.agentic-layer.ai", "runtime.agentic-layer.io"),
        (
            '1: error: AiGateway example: apiVersion: is "runtime.agentic-layer.io/v1alpha1", '
            "which AiGateway does not have; use runtime.agentic-layer.ai/v1alpha1"
        ),
        "a slip in the group",
    ),
    (
        SECRET.replace("v1", "example.com/v1"),
        "1: warning: 1 object of another kind is left out: Secret",
        "a kind of others with a familiar name",
    ),
    (
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: A_b}\n",
        '3: error: Namespace A_b: metadata.name: is "A_b", which is not a valid namespace name',
        "a Namespace that cannot exist",
    ),
    (
        "apiVersion: v1\nkind: Namespace\n",
        "1: error: Namespace: metadata.name: is required, as text",
        "a Namespace without a name",
    ),
    (
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {tier: 1}}\n",
        "3: error: Namespace a: metadata.labels: must be a map from keys to text; put the values in quotes",
        "a label that is a number",
    ),
    (
        PATCH.replace("name: extra", "name: 5"),
        "4: error: ConfigMap 5: metadata.name: is required, as text; give it a name",
        "a name that is no text",
    ),
    (
        "apiVersion: v1\nkind: Secret\n",
        "1: error: Secret: metadata.name: is required, as text",
        "no metadata",
    ),
    (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: words\n",
        "3: error: ConfigMap: metadata.name: is required, as text",
        "metadata that are no map",
    ),
    (
        PATCH.replace("name: extra", "name: extra\n  namespace: 5"),
        "5: error: ConfigMap 5/extra: metadata.namespace: is not text; put it in quotes",
        "a namespace that is no text",
    ),
    (
        f"{SECRET}data: words\n",
        "5: error: Secret api-key-secrets: data: must be a map from keys to text",
        "data that are no map",
    ),
    (
        f"{PATCH}  other.yaml: 5\n",
        f"8: error: ConfigMap extra: data[other.yaml]: {NOT_TEXT}; put it in quotes",
        "a value that is no text, under a key with a dot",
    ),
    (
        f"{PATCH}  a b: x\n",
        '8: error: ConfigMap extra: data[a b]: is "a b", which is not a valid key of a ConfigMap or Secret',
        "a key that no ConfigMap may have",
    ),
    (
        f"{PATCH}binaryData: {{k: '%'}}\n",
        f"8: error: ConfigMap extra: binaryData.k: {NOT_BASE64}; encode it, or use data",
        "binary data that are not base64",
    ),
)

SECRETS = (
    ("data: {k: hunter2!}", f"data.k: {NOT_BASE64}; encode it, or use stringData"),
    ("data: {k: hünter2}", f"data.k: {NOT_BASE64}"),
    ("data: {k: [hunter2]}", f"data.k: {NOT_TEXT}"),
    ("stringData: {k: {hunter2: x}}", f"stringData.k: {NOT_TEXT}"),
    ("stringData: {k: 4711}", f"stringData.k: {NOT_TEXT}; put it in quotes"),
    ("stringData: [hunter2]", "stringData: must be a map from keys to text"),
    ("stringData: hunter2", "stringData: must be a map from keys to text"),
    ("stringData: {k: !hunter2 }", "a tag has no counterpart in JSON"),
    ("stringData: {k: *hunter2 }", "undefined alias"),
    ("stringData:\n  k: %hunter2", "cannot start any token"),
    ("stringData:\n  k: hunter2: hunter2", "mapping values are not allowed"),
    ("stringData:\n  k: 'hunter2", "unexpected end of stream"),
    ("stringData:\n  k: !!float hunter2", "this is not a number"),
)


@pytest.mark.parametrize(("text", "reported", "why"), REPORTED, ids=[case[2] for case in REPORTED])
def test_finding(read: Read, text: str, reported: str, why: str) -> None:
    (finding,) = read(text).findings
    assert str(finding).startswith(f"{finding.file}:{reported}"), why


@pytest.mark.parametrize(("data", "reported"), SECRETS)
def test_a_fault_of_a_secret_does_not_show_its_value(read: Read, data: str, reported: str) -> None:
    stack = read(f"{SECRET}{data}\n")
    (finding,) = stack.findings
    assert reported in str(finding)
    assert not stack.companions
    assert not any(value in repr(stack) for value in ("hunter2", "hünter2", "4711"))
