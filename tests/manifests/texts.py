"""Texts of manifests."""

ANNOTATION = "ai-gateway-litellm.agentic-layer.ai/config-patch"
GROUP = "runtime.agentic-layer.ai/v1alpha1"

GATEWAY = f"""\
apiVersion: {GROUP}
kind: AiGateway
metadata:
  name: example
spec:
  aiGatewayClassName: litellm
  aiModels:
    - name: gpt-4o
      provider: openai
"""

PATCHED = GATEWAY.replace(
    "  name: example\n", f"  name: example\n  annotations:\n    {ANNOTATION}: extra\n", 1
)

PATCH = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: extra
data:
  patch.yaml: |
    router_settings: {routing_strategy: least-busy}
"""

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: api-key-secrets
"""


def gateway_class(name: str, controller: str, default: bool = False) -> str:
    """Return the manifest of a class."""
    annotations = '{aigatewayclass.kubernetes.io/is-default-class: "true"}' if default else "{}"
    return (
        f"apiVersion: {GROUP}\nkind: AiGatewayClass\nmetadata: {{name: {name}, annotations: {annotations}}}\n"
        f"spec: {{controller: {controller}}}\n"
    )


def joined(*documents: str) -> str:
    """Return several documents as one text."""
    return "---\n".join(documents)
