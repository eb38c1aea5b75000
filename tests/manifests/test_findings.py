"""What a user reads about faulty manifests: line, object, field, message and cure."""

import pytest

from tests.manifests.conftest import Read
from tests.manifests.texts import ANNOTATION, GATEWAY, PATCH, PATCHED, SECRET, gateway_class, joined

FIELD = f"metadata.annotations[{ANNOTATION}]"
NOT_BASE64 = "the value is not base64"
NOT_TEXT = "the value is not text"

TOLD: tuple[tuple[str, str, str], ...] = (
    (
        GATEWAY.replace("      provider: openai\n", ""),
        "8: error: AiGateway example: spec.aiModels[0].provider: is required but missing; Add provider there.",
        "the nearest part of a missing field has the line",
    ),
    (
        f"{GATEWAY}  prot: 80\n",
        "10: error: AiGateway example: spec.prot: is not a field of this kind; Did you mean port?",
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
        "6: error: AiGateway example: spec.aiGatewayClassName: there is no class gone; name one of: litellm",
        "a class that does not exist",
    ),
    (
        GATEWAY.replace("  aiGatewayClassName: litellm\n", ""),
        (
            "5: error: AiGateway example: spec.aiGatewayClassName: the gateway names no class, "
            "and no class of ours is the default; name one of: litellm"
        ),
        "no class and no default",
    ),
    (
        joined(GATEWAY.replace("litellm", "gone"), gateway_class("litellm", "example.com/c")),
        (
            "6: error: AiGateway example: spec.aiGatewayClassName: there is no class gone; "
            "add a class of aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
        ),
        "no class of ours to name instead",
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
            "Give it a name: generateName works with kubectl create alone."
        ),
        "a name that the API server would make up",
    ),
    (
        GATEWAY.replace("  name: example", "  namespace: A_b\n  name: example"),
        '4: error: AiGateway A_b/example: metadata.namespace: is "A_b", which is no name for a namespace',
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
        "2: warning: Pod a: kind: kind Pod of v1 is not handled here and left out",
        "a kind of others",
    ),
    (
        SECRET.replace("v1", "example.com/v1"),
        "2: warning: Secret api-key-secrets: kind: kind Secret of example.com/v1 is not handled here",
        "a kind of others with a familiar name",
    ),
    (
        PATCH.replace("name: extra", "name: 5"),
        "4: error: ConfigMap 5: metadata.name: is required, as text; Give it a name.",
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
        "5: error: ConfigMap 5/extra: metadata.namespace: is not text; Put it in quotes.",
        "a namespace that is no text",
    ),
    (
        f"{SECRET}data: words\n",
        "5: error: Secret api-key-secrets: data: must be a map from keys to text",
        "data that are no map",
    ),
    (
        f"{PATCH}  other.yaml: 5\n",
        f'8: error: ConfigMap extra: data["other.yaml"]: {NOT_TEXT}; Put it in quotes.',
        "a value that is no text, under a key with a dot",
    ),
    (
        f"{PATCH}  a b: x\n",
        '8: error: ConfigMap extra: data["a b"]: is "a b", which no ConfigMap or Secret has as a key',
        "a key that no ConfigMap may have",
    ),
    (
        f"{PATCH}binaryData: {{k: '%'}}\n",
        f"8: error: ConfigMap extra: binaryData.k: {NOT_BASE64}; Encode it, or use data.",
        "binary data that are not base64",
    ),
)

SECRETS = (
    ("data: {k: hunter2!}", f"data.k: {NOT_BASE64}; Encode it, or use stringData."),
    ("data: {k: hünter2}", f"data.k: {NOT_BASE64}"),
    ("data: {k: [hunter2]}", f"data.k: {NOT_TEXT}"),
    ("stringData: {k: {hunter2: x}}", f"stringData.k: {NOT_TEXT}"),
    ("stringData: {k: 4711}", f"stringData.k: {NOT_TEXT}; Put it in quotes."),
    ("stringData: [hunter2]", "stringData: must be a map from keys to text"),
    ("stringData: hunter2", "stringData: must be a map from keys to text"),
    ("stringData: {k: !hunter2 }", "a tag has no counterpart in JSON"),
    ("stringData: {k: *hunter2 }", "undefined alias"),
    ("stringData:\n  k: %hunter2", "cannot start any token"),
    ("stringData:\n  k: hunter2: hunter2", "mapping values are not allowed"),
    ("stringData:\n  k: 'hunter2", "unexpected end of stream"),
    ("stringData:\n  k: !!float hunter2", "this is no number"),
)


@pytest.mark.parametrize(("text", "told", "why"), TOLD, ids=[case[2] for case in TOLD])
def test_finding(read: Read, text: str, told: str, why: str) -> None:
    (finding,) = read(text).findings
    assert str(finding).startswith(f"{finding.file}:{told}"), why


@pytest.mark.parametrize(("data", "told"), SECRETS)
def test_fault_of_a_secret_is_told_without_its_value(read: Read, data: str, told: str) -> None:
    stack = read(f"{SECRET}{data}\n")
    (finding,) = stack.findings
    assert told in str(finding)
    assert not stack.companions
    assert not any(value in repr(stack) for value in ("hunter2", "hünter2", "4711"))
