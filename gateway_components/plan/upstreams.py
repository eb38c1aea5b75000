"""What is behind a ToolRoute: an entry of LiteLLM's ``mcp_servers`` (spec, "ToolRoute")."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway_components.api.syntax import shown
from gateway_components.api.tools import ToolRoute, ToolServer
from gateway_components.errors import Finding, Path, listed
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.references import check_namespace, server_reference
from gateway_components.plan.snapshot import Policy, Resources, Unreadable
from gateway_components.plan.urls import local_fault, read_url, service_host, url_fault
from gateway_components.plan.variables import REFERENCE, foreign_references

Transport = Literal["http", "sse"]

_SERVER_PORT = 8080
"""Port that the operator of ToolServers gives to one that names none."""
_PATHS: Mapping[Transport, str] = {"http": "/mcp", "sse": "/sse"}
_NO_TOOL = ""
"""A name that no tool has: LiteLLM takes an empty ``allowed_tools`` for all tools."""
_ORIGINS: Mapping[str, Path] = {
    "url": ("spec", "upstream"),
    "allowed_tools": ("spec", "toolFilter", "allow"),
    "disallowed_tools": ("spec", "toolFilter", "deny"),
}
"""Where the text of an entry comes from."""
_TOOL = re.compile(r"\w([\w./:@#-]*[^\W_])?")
"""A name that a tool may have. MCP wants letters, digits and ``_-./``, and servers take a few more. A name that ends in
punctuation was meant as a pattern."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """An MCP server, how it is reached, and which tools may be used; an empty `allow` lets all but the denied."""

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


def server_key(route: Identity) -> str:
    """Return the key of a route in ``mcp_servers``: ``{namespace}__{route-name}``, every ``-`` as ``_``.

    LiteLLM does not start with a ``-`` in it. So two routes may have the same key.
    """
    return documented_key(route).replace("-", "_")


def documented_key(route: Identity) -> str:
    """Return the key of a route as the operator reference writes it, which LiteLLM refuses where it has a ``-``."""
    return f"{route.namespace}__{route.name}"


def resolve_upstream(route: ToolRoute, resources: Resources, policy: Policy) -> Upstream:
    """Return what is behind a route.

    Raises Failure ``UpstreamUnresolved``: the ToolServer is missing or unreadable, the URL is invalid or forbidden, or
    a text names a variable. ``ReferenceNotPermitted``: the ToolServer is in another namespace, and the policy forbids
    that. ``ToolFilterInvalid``: an entry of the denied tools would block nothing.
    """
    url, transport = _external(route, policy) or _tool_server(route, resources, policy)
    tools = route.spec.tool_filter
    key = route.identity
    if patterns := _patterns(tools.deny):
        # A route that blocks nothing must not look as if it did.
        raise Failure(
            Reason.TOOL_FILTER_INVALID,
            f"LiteLLM compares whole tool names, so nothing is blocked by {patterns}",
            path=("spec", "toolFilter", "deny"),
            cure="write the tool names in full, or list those to let through in spec.toolFilter.allow",
        )
    upstream = Upstream(url, transport, _allowed(tools.allow, tools.deny, key), _denied(tools.deny, key))
    for path in foreign_references(upstream.entry):
        raise _failure(
            f"a text begins with {REFERENCE}, which refers to a variable of the gateway's pods",
            _ORIGINS.get(str(path[0]), ("spec",)),
            "write the value itself",
        )
    return upstream


def filter_warnings(route: ToolRoute) -> Iterator[Finding]:
    """Yield a warning where tools are allowed by a pattern, which LiteLLM compares as if it were a name."""
    if patterns := _patterns(route.spec.tool_filter.allow):
        yield plan_warning(
            WarningReason.TOOL_PATTERN_IGNORED,
            f"LiteLLM compares whole tool names, so nothing is allowed by {patterns}",
            ("spec", "toolFilter", "allow"),
            "write the tool names in full",
        )


def _external(route: ToolRoute, policy: Policy) -> tuple[str, Transport] | None:
    external = route.spec.upstream.external
    if external is None:
        return None
    fault = url_fault(external.url) or local_fault(external.url, policy.allowed_upstreams)
    if fault:
        raise _failure(f"the URL {fault.message}", ("spec", "upstream", "external", "url"), fault.cure)
    url = read_url(external.url)
    return external.url, "sse" if url and url.path.endswith("/sse") else "http"


def _tool_server(route: ToolRoute, resources: Resources, policy: Policy) -> tuple[str, Transport]:
    reference = route.spec.upstream.tool_server_ref
    if reference is None:
        raise _failure("the route has no upstream", ("spec", "upstream"), "set toolServerRef or external")
    path = ("spec", "upstream", "toolServerRef")
    if reference.kind and reference.kind != "ToolServer":
        message = f"the route leads to the kind {reference.kind}, not to a ToolServer"
        raise _failure(message, (*path, "kind"), "name a ToolServer, or leave the kind out")
    wanted = server_reference(route)
    if wanted is None:
        raise _failure("the reference to the ToolServer has no name", (*path, "name"), "name a ToolServer")
    namespace = route.metadata.namespace or ""
    check_namespace(policy, namespace, wanted, (*path, "namespace"))
    server = resources.get(wanted)
    if isinstance(server, Unreadable):
        # What stands in it concerns its own namespace alone.
        why = f": {server.message}" if wanted.namespace == namespace else ""
        raise _failure(f"{wanted} cannot be read{why}", path, "correct that ToolServer", wanted)
    if not isinstance(server, ToolServer):
        raise _failure(f"{wanted} does not exist", path, "create it, or correct the reference", wanted)
    transport = server.spec.transport_type
    where = server.spec.path or _PATHS[transport]
    host = service_host(wanted.name, wanted.namespace)
    url = f"http://{host}:{server.spec.port or _SERVER_PORT}{where}"
    fault = url_fault(url)
    if fault:
        raise _failure(f"the URL of {wanted} {fault.message}", path, "correct its spec.path", wanted)
    return url, transport


def _patterns(names: Iterable[str]) -> str:
    """Return those of `names` that no tool has, as they are shown; empty where there are none."""
    found = [shown(name) for name in names if not _TOOL.fullmatch(name)]
    return listed(found) if found else ""


def _allowed(allow: tuple[str, ...], deny: Iterable[str], key: Identity) -> tuple[str, ...]:
    """Return `allow` without the denied tools: LiteLLM hides a tool of both lists, but lets it be called."""
    prefixes = _prefixes(key)
    denied = {_bare(name, prefixes).lower() for name in deny}
    left = tuple(name for name in allow if _bare(name, prefixes).lower() not in denied)
    return left or ((_NO_TOOL,) if allow else ())


def _denied(deny: Iterable[str], key: Identity) -> tuple[str, ...]:
    """Return the names to deny: LiteLLM hides tools ignoring case, but refuses calls in the given case only."""
    prefixes = _prefixes(key)
    spelt = (name if name.startswith(prefixes[0]) else _bare(name, prefixes) for name in deny)
    return tuple(dict.fromkeys(variant for name in spelt for variant in (name, name.lower())))


def _prefixes(key: Identity) -> tuple[str, str]:
    return f"{server_key(key)}-", f"{documented_key(key)}-"


def _bare(name: str, prefixes: tuple[str, str]) -> str:
    """Return the name that the server itself gives to a tool; LiteLLM takes this and ``KEY-NAME``."""
    return next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)), name)


def _failure(message: str, path: Path, cure: str, *related: Identity) -> Failure:
    return Failure(Reason.UPSTREAM_UNRESOLVED, message, path=path, cure=cure, related=related)
