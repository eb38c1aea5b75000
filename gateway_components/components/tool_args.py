"""Typed arguments of `ToolGateway`, accepting Outputs wherever a field says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from gateway_components.components.gateway_args import GatewayArgs

__all__ = ["ToolGatewayArgs", "ToolRouteArgs", "ToolServerArgs"]


@dataclass(frozen=True, kw_only=True)
class ToolServerArgs:
    """An MCP server of the cluster that somebody else runs (custom resource ToolServer); it is not deployed here.

    Attributes
    ----------
    name
        Name of the server and its Service.
    namespace
        Where it runs; the namespace of the gateway where left out.
    port
        Port of its Service; 8080 where left out.
    path
        Path that it speaks MCP on; ``/mcp`` where left out, with the transport ``sse`` ``/sse``.
    transport_type
        ``http`` for streamable HTTP, ``sse`` for server-sent events.
    """

    name: pulumi.Input[str]
    namespace: pulumi.Input[str] | None = None
    port: pulumi.Input[int] | None = None
    path: pulumi.Input[str] | None = None
    transport_type: pulumi.Input[Literal["http", "sse"]] = "http"


@dataclass(frozen=True, kw_only=True)
class ToolRouteArgs:
    """A way through the gateway to one MCP server: exactly one of `server` and `url` is given.

    Attributes
    ----------
    name
        Name of the route, which its URL ends in; plain text, unlike that of any other route of the gateway.
    server
        An MCP server of the cluster.
    url
        URL of an MCP server. One whose path ends in ``/sse`` is spoken to by server-sent events, any other by
        streamable HTTP.
    allow
        Names of the tools to let through; all where left out or empty.
    deny
        Names of the tools to hold back; they win over `allow`.
    """

    name: str
    server: pulumi.Input[ToolServerArgs | Mapping[str, Any]] | None = None
    url: pulumi.Input[str] | None = None
    allow: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    deny: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None


@dataclass(frozen=True, kw_only=True)
class ToolGatewayArgs(GatewayArgs):
    """What a `ToolGateway` is to serve, and how it is to run (`GatewayArgs`).

    Attributes
    ----------
    routes
        The MCP servers behind it. The list and the names in it are plain, so that the program can name each route;
        all else may be Outputs. They end up in a ConfigMap: a secret Output among them is refused.
    """

    routes: Sequence[ToolRouteArgs | Mapping[str, Any]] = ()
