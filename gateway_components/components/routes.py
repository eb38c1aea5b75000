"""Builds ToolRoutes and ToolServers from the arguments of routes."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import pulumi

from gateway_components.components.args import ToolRouteArgs, ToolServerArgs
from gateway_components.components.described import Described, arguments_of, described, namespace_problem
from gateway_components.components.inputs import ArgsError, args_as, one_of, plain, public, resolved, together
from gateway_components.errors import Finding

_UNUSED_IMAGE = "unused"
"""A ToolServer must have an image; nothing is ever deployed from it here."""


def route_parts(component: str, routes: Any) -> dict[str, Any]:
    """Return the fields of each route by its name, as plain JSON types or Outputs of them.

    Raises
    ------
    ArgsError
        At once: the list or a name is unknown, invalid or duplicate. At once or inside an Output: a field is invalid or
        secret, or a route has both or neither of server and URL.
    """
    if not isinstance(routes, list | tuple):
        message = f"is {_shape(routes)}, but must be a plain list"
        cure = "list the routes in the program; all but their names may be Outputs"
        raise ArgsError(component, Finding(("routes",), message, cure))
    parts: dict[str, Any] = {}
    for position, route in enumerate(routes):
        path = f"routes[{position}]"
        known = _known(component, route, path)
        if known.name in parts:
            message = f'is "{known.name}", as that of routes[{list(parts).index(known.name)}]'
            raise ArgsError(component, Finding((f"{path}.name",), message, "give each route its own name"))
        parts[known.name] = _fields(component, known, path)
    return parts


def described_routes(routes: Mapping[str, Any], namespace: str, gateway: str) -> Iterator[Described]:
    """Yield the ToolRoute of each route that `route_parts` returned, and the ToolServer behind it."""
    for position, (name, route) in enumerate(routes.items()):
        path = f"routes[{position}]"
        server, url = route["server"], route["url"]
        upstream: dict[str, Any] = {}
        if server is not None:
            where = namespace if server.get("namespace") is None else server["namespace"]
            upstream["toolServerRef"] = {"name": server.get("name"), "namespace": where}
            yield _server(server, where, f"{path}.server")
        if url is not None:
            upstream["external"] = {"url": url}
        tools = {key: route[key] for key in ("allow", "deny") if route[key] is not None}
        yield described(
            "ToolRoute",
            {"name": name, "namespace": namespace},
            {"toolGatewayRef": {"name": gateway}, "upstream": upstream, "toolFilter": tools},
            {
                ("metadata", "name"): (path, "name"),
                ("spec", "upstream", "external", "url"): (path, "url"),
                ("spec", "upstream", "toolServerRef"): (path, "server"),
                ("spec", "upstream"): (path,),
                ("spec", "toolFilter"): (path,),
                ("spec", "toolGatewayRef"): (path,),
            },
        )


def _server(server: Mapping[str, Any], namespace: str, path: str) -> Described:
    spec = {key: value for key, value in server.items() if key not in ("name", "namespace")}
    arguments = {("metadata", "name"): (path, "name"), **arguments_of(ToolServerArgs, ("spec",), path)}
    metadata = {"name": server.get("name"), "namespace": namespace}
    fault = namespace_problem(namespace)
    faults = [replace(fault, path=(path, *fault.path))] if fault else []
    return described("ToolServer", metadata, {"image": _UNUSED_IMAGE, **spec}, arguments, *faults)


def _known(component: str, given: Any, path: str) -> ToolRouteArgs:
    if isinstance(given, pulumi.Output):
        cure = f"give {one_of(ToolRouteArgs)} whose fields other than name may be Outputs"
        raise ArgsError(
            component, Finding((path,), "is an Output, but its name must be known immediately", cure)
        )
    route = args_as(component, ToolRouteArgs, given, path)
    if not isinstance(route.name, str):
        message = f"is {_shape(route.name)}, but must be plain text"
        raise ArgsError(component, Finding((f"{path}.name",), message, "write the name in the program"))
    return route


def _fields(component: str, route: ToolRouteArgs, path: str) -> Any:
    def server(given: Any) -> Any:
        return None if given is None else plain(args_as(component, ToolServerArgs, given, f"{path}.server"))

    parts = {
        field.name: resolved(route.server, server)
        if field.name == "server"
        else plain(getattr(route, field.name))
        for field in fields(route)
    }
    checked = together({name: public(component, f"{path}.{name}", part) for name, part in parts.items()})
    return resolved(checked, lambda known: _with_upstream(component, known, path))


def _with_upstream(component: str, route: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    if (route["server"] is None) == (route["url"] is None):
        message = "has neither server nor url" if route["url"] is None else "has both server and url"
        raise ArgsError(component, Finding((path,), message, "give exactly one of them"))
    return route


def _shape(value: object) -> str:
    return "an Output" if isinstance(value, pulumi.Output) else f"a {type(value).__name__}"
