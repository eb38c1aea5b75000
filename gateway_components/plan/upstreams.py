"""What is behind a ToolRoute: an entry of LiteLLM's ``mcp_servers`` (spec, "ToolRoute")."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway_components.crds.toolroute import ToolRoute
from gateway_components.crds.toolserver import ToolServer
from gateway_components.plan.failure import Failure, PlanWarning, Reason, WarningReason
from gateway_components.plan.keys import RouteKey
from gateway_components.plan.references import server_reference
from gateway_components.plan.snapshot import Resources, Unreadable
from gateway_components.plan.urls import parts, service_host, url_fault

__all__ = ["Upstream", "filter_warnings", "resolve_upstream", "server_key"]

Transport = Literal["http", "sse"]

_SERVER_PORT = 8080
"""Port that the operator of ToolServers gives to one that names none."""
_PATHS: Mapping[Transport, str] = {"http": "/mcp", "sse": "/sse"}
_NO_TOOL = ""
"""A name that no tool has: LiteLLM takes an empty ``allowed_tools`` for all tools."""
_WILDCARDS = "*?"


@dataclass(frozen=True, slots=True)
class Upstream:
    """An MCP server, and which of its tools may be used.

    Attributes
    ----------
    url, transport
        How it is spoken to.
    allow, deny
        Names of tools; an empty `allow` lets all through that are not denied.
    """

    url: str
    transport: Transport
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @property
    def entry(self) -> Mapping[str, Any]:
        """The entry of ``mcp_servers``."""
        entry: dict[str, Any] = {"url": self.url, "transport": self.transport}
        if self.allow:
            entry["allowed_tools"] = list(self.allow)
        if self.deny:
            entry["disallowed_tools"] = list(self.deny)
        return {**entry, "allow_all_keys": True}


def server_key(route: RouteKey) -> str:
    """Return the key of a route in ``mcp_servers``: ``{namespace}__{route-name}``, every ``-`` as ``_``.

    LiteLLM does not start with a ``-`` in it. So two routes may have the same key.
    """
    return f"{route.namespace}__{route.name}".replace("-", "_")


def resolve_upstream(route: ToolRoute, resources: Resources) -> Upstream:
    """Return what is behind a route.

    Parameters
    ----------
    route
        The route.
    resources
        The ToolServers there are.

    Raises
    ------
    Failure
        ``UpstreamUnresolved``: the ToolServer is missing or cannot be read, or the URL cannot be called.
    """
    url, transport = _external(route) or _tool_server(route, resources)
    tools = route.spec.tool_filter
    key = server_key(RouteKey(route.metadata.namespace or "", route.metadata.name))
    return Upstream(url, transport, _allowed(tools.allow, tools.deny, key), tools.deny)


def filter_warnings(route: ToolRoute) -> Iterator[PlanWarning]:
    """Yield a warning for each list of tools with patterns in it, which LiteLLM compares as if they were names."""
    tools = route.spec.tool_filter
    for field, names, effect in (
        ("allow", tools.allow, "lets no tool through"),
        ("deny", tools.deny, "holds no tool back"),
    ):
        patterns = [name for name in names if any(character in name for character in _WILDCARDS)]
        if patterns:
            yield PlanWarning(
                WarningReason.TOOL_PATTERN_IGNORED,
                f'LiteLLM takes "{patterns[0]}" for the name of a tool, not for a pattern, so it {effect}',
                f"spec.toolFilter.{field}",
                "write the names of the tools in full",
            )


def _external(route: ToolRoute) -> tuple[str, Transport] | None:
    external = route.spec.upstream.external
    if external is None:
        return None
    fault = url_fault(external.url)
    if fault:
        raise _failure(f"the URL {fault.message}", "spec.upstream.external.url", fault.cure)
    split = parts(external.url)
    return external.url, "sse" if split and split.path.endswith("/sse") else "http"


def _tool_server(route: ToolRoute, resources: Resources) -> tuple[str, Transport]:
    reference = route.spec.upstream.tool_server_ref
    if reference is None:
        raise _failure("the route has no upstream", "spec.upstream", "set toolServerRef or external")
    field = "spec.upstream.toolServerRef"
    if reference.kind and reference.kind != "ToolServer":
        message = f"the route leads to the kind {reference.kind}, not to a ToolServer"
        raise _failure(message, f"{field}.kind", "name a ToolServer, or leave the kind out")
    wanted = server_reference(route)
    if wanted is None:
        raise _failure("the reference to the ToolServer has no name", f"{field}.name", "name a ToolServer")
    server = resources.get(wanted)
    if isinstance(server, Unreadable):
        raise _failure(f"{wanted} cannot be read: {server.message}", field, "correct that ToolServer")
    if not isinstance(server, ToolServer):
        raise _failure(f"{wanted} does not exist", field, "create it, or correct the reference")
    transport = server.spec.transport_type
    path = server.spec.path or _PATHS[transport]
    host = service_host(wanted.name, wanted.namespace)
    url = f"http://{host}:{server.spec.port or _SERVER_PORT}{path}"
    fault = url_fault(url)
    if fault:
        raise _failure(f"the URL of {wanted} {fault.message}", field, "correct its spec.path")
    return url, transport


def _allowed(allow: tuple[str, ...], deny: Iterable[str], key: str) -> tuple[str, ...]:
    """Return what is left of `allow`: LiteLLM lets a tool of both lists be called, though it does not list it."""
    denied = {_bare(name, key) for name in deny}
    return tuple(name for name in allow if _bare(name, key) not in denied) or ((_NO_TOOL,) if allow else ())


def _bare(name: str, key: str) -> str:
    """Return the name that the server itself gives to a tool; LiteLLM takes this and ``KEY-NAME``."""
    return name.removeprefix(f"{key}-")


def _failure(message: str, field: str, cure: str) -> Failure:
    return Failure(Reason.UPSTREAM_UNRESOLVED, message, field=field, cure=cure)
