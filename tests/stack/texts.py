"""Manifests of gateways for tools, which several tests bring into the stack ``cluster``."""

GROUP = "runtime.agentic-layer.ai/v1alpha1"

TOOL_SERVER = f"""\
apiVersion: {GROUP}
kind: ToolServer
metadata: {{name: server}}
spec: {{image: example.com/server, protocol: mcp, transportType: sse, port: 9000}}
"""

ROUTES = f"""\
apiVersion: {GROUP}
kind: ToolRoute
metadata: {{name: files}}
spec:
  toolGatewayRef: {{name: tools}}
  upstream: {{toolServerRef: {{name: server}}}}
---
apiVersion: {GROUP}
kind: ToolRoute
metadata: {{name: weather}}
spec:
  toolGatewayRef: {{name: tools}}
  upstream: {{external: {{url: "https://weather.example.com/mcp"}}}}
"""


def tool_gateway(name: str, further: str = "") -> str:
    """Return a ToolGateway of our class, with further fields of its spec."""
    return f"""\
apiVersion: {GROUP}
kind: ToolGateway
metadata: {{name: {name}}}
spec: {{toolGatewayClassName: litellm{further}}}
"""
