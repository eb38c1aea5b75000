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

SAFE = """\
  env:
    - {name: LITELLM_MASTER_KEY, valueFrom: {secretKeyRef: {name: master, key: key}}}
    - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://collector:4318"}
"""
"""End of the spec of a gateway of which nothing is to be told."""

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

TOOLS = f"""\
apiVersion: {GROUP}
kind: ToolGateway
metadata:
  name: tools
spec:
  toolGatewayClassName: litellm
"""

ROUTE = f"""\
apiVersion: {GROUP}
kind: ToolRoute
metadata:
  name: files
spec:
  toolGatewayRef:
    name: tools
  upstream:
    toolServerRef:
      name: server
"""

EXTERNAL = f"""\
apiVersion: {GROUP}
kind: ToolRoute
metadata:
  name: weather
spec:
  toolGatewayRef: {{name: tools}}
  upstream:
    external:
      url: https://weather.example.com/sse
"""

SERVER = f"""\
apiVersion: {GROUP}
kind: ToolServer
metadata:
  name: server
spec:
  image: example.com/server:1
  protocol: mcp
  transportType: http
  port: 9000
"""

GUARDED = f"""\
{GATEWAY}  guardrails:
    - name: pii
"""

GUARD = f"""\
apiVersion: {GROUP}
kind: Guard
metadata:
  name: pii
spec:
  mode: [pre_call]
  providerRef:
    name: presidio
"""

PROVIDER = f"""\
apiVersion: {GROUP}
kind: GuardrailProvider
metadata:
  name: presidio
spec:
  type: presidio-api
  presidio:
    baseUrl: http://presidio.example.com
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
