"""Builds Guards, providers, ToolRoutes and ToolServers from the arguments of guards and routes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import pulumi
from pydantic.alias_generators import to_camel

from gateway_components.api.guardrails import ProviderType
from gateway_components.components.args import (
    BedrockGuardArgs,
    BedrockProviderArgs,
    ModerationGuardArgs,
    ModerationProviderArgs,
    PresidioGuardArgs,
    PresidioProviderArgs,
    ToolRouteArgs,
    ToolServerArgs,
)
from gateway_components.components.described import Described, arguments_of, described, namespace_problem
from gateway_components.components.inputs import ArgsError, args_as, combined, one_of, plain, public, resolved
from gateway_components.errors import Finding, Path
from gateway_components.plan.guardrail_params import ANONYMIZER_ANNOTATION


@dataclass(frozen=True, slots=True)
class _Service:
    """The args classes of a service, and what the custom resources call it."""

    provider_type: ProviderType
    block: str
    guard: type[PresidioGuardArgs | ModerationGuardArgs | BedrockGuardArgs]
    provider: type[PresidioProviderArgs | ModerationProviderArgs | BedrockProviderArgs]

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(
            field.name for field in fields(self.guard) if field.name not in ("name", "mode", "provider")
        )


_SERVICES: Mapping[str, _Service] = {
    service.provider_type: service
    for service in (
        _Service("presidio-api", "presidio", PresidioGuardArgs, PresidioProviderArgs),
        _Service("openai-moderation-api", "openaiModeration", ModerationGuardArgs, ModerationProviderArgs),
        _Service("bedrock-api", "bedrock", BedrockGuardArgs, BedrockProviderArgs),
    )
}


def guard_parts(component: str, guards: Any) -> Any:
    """Return the fields of each guard, as plain JSON types or as an Output of them.

    Raises ArgsError, at once or inside the Output: an argument is of another shape or holds a secret.
    """

    def each(known: Any) -> Any:
        if known is None:
            return []
        if not isinstance(known, Sequence) or isinstance(known, str | bytes):
            message = f"is a {type(known).__name__}, but must be a list"
            raise ArgsError(component, Finding(("guardrails",), message, f"list {_choices()}"))
        return plain([_guard(component, guard, f"guardrails[{place}]") for place, guard in enumerate(known)])

    return public(component, "guardrails", resolved(guards, each))


def described_guards(guards: Sequence[Mapping[str, Any]], namespace: str) -> Iterator[Described]:
    """Yield the Guard of each guard that `guard_parts` returned, and the GuardrailProvider of the same name."""
    for position, guard in enumerate(guards):
        path, service = f"guardrails[{position}]", _SERVICES[guard["type"]]
        metadata = {"name": guard["name"], "namespace": namespace}
        name: dict[Path, Path] = {("metadata", "name"): (path, "name")}
        block = ("spec", service.block)
        provider = dict(guard["provider"])
        anonymizer = provider.pop("anonymizerUrl", None)
        notes = {} if anonymizer is None else {"annotations": {ANONYMIZER_ANNOTATION: anonymizer}}
        yield described(
            "GuardrailProvider",
            {**metadata, **notes},
            {"type": service.provider_type, service.block: provider},
            {
                **name,
                ("metadata", "annotations", ANONYMIZER_ANNOTATION): (path, "provider", "anonymizer_url"),
                **arguments_of(service.provider, block, f"{path}.provider"),
                block: (path, "provider"),
            },
        )
        yield described(
            "Guard",
            metadata,
            {"mode": guard["mode"], service.block: guard["settings"], "providerRef": {"name": guard["name"]}},
            {
                **name,
                ("spec", "mode"): (path, "mode"),
                **arguments_of(service.guard, block, path),
                block: (path,),
            },
        )


def _guard(component: str, given: Any, path: str) -> Any:
    def known(guard: Any) -> Any:
        for service in _SERVICES.values():
            if isinstance(guard, service.guard):
                return _fields(component, service, guard, path)
        if not isinstance(guard, Mapping):
            raise ArgsError(component, Finding((path,), f"is a {type(guard).__name__}", f"give {_choices()}"))
        if "provider" not in guard:
            cure = "add it, with its type and settings"
            raise ArgsError(component, Finding((f"{path}.provider",), "is required but missing", cure))
        return resolved(guard["provider"], lambda provider: with_provider(guard, provider))

    def with_provider(guard: Mapping[str, Any], provider: Any) -> Any:
        service, settings = _service(component, provider, f"{path}.provider")
        args = args_as(component, service.guard, {**guard, "provider": settings}, path)
        return _fields(component, service, args, path)

    return public(component, path, resolved(given, known))


def _service(component: str, provider: Any, path: str) -> tuple[_Service, Any]:
    for service in _SERVICES.values():
        if isinstance(provider, service.provider):
            return service, provider
    cure = f"use one of {', '.join(_SERVICES)}"
    if not isinstance(provider, Mapping):
        message = f"is a {type(provider).__name__}, but must be a map or an args class of a provider"
        raise ArgsError(
            component, Finding((path,), message, f"give a map whose type is one of {', '.join(_SERVICES)}")
        )
    if "type" not in provider:
        raise ArgsError(component, Finding((f"{path}.type",), "is required but missing", cure))
    found = _SERVICES.get(str(provider["type"]))
    if found is None:
        raise ArgsError(component, Finding((f"{path}.type",), f'is "{provider["type"]}"', cure))
    return found, {name: value for name, value in provider.items() if name != "type"}


def _fields(component: str, service: _Service, guard: Any, path: str) -> Any:
    def provider(given: Any) -> Any:
        return plain(args_as(component, service.provider, given, f"{path}.provider"))

    settings = {name: resolved(plain(getattr(guard, name)), _as_text) for name in service.settings}
    parts = {
        "name": plain(guard.name),
        "mode": plain(guard.mode),
        "provider": resolved(guard.provider, provider),
        **settings,
    }
    checked = {name: public(component, f"{path}.{name}", part) for name, part in parts.items()}
    own = {to_camel(name): checked.pop(name) for name in settings}
    return combined({**checked, "type": service.provider_type, "settings": combined(own)})


def _as_text(setting: Any) -> Any:
    """Return a setting with its numbers as text: the custom resources know no other."""
    if not isinstance(setting, Mapping):
        return setting
    return {key: str(part) if type(part) in {int, float} else part for key, part in setting.items()}


def _choices() -> str:
    return one_of(*(service.guard for service in _SERVICES.values()))


_UNUSED_IMAGE = "unused"
"""A ToolServer must have an image; nothing is ever deployed from it here."""


def route_parts(component: str, routes: Any) -> dict[str, Any]:
    """Return the fields of each route by its name, as plain JSON types or Outputs of them.

    Raises ArgsError: at once, the list or a name is unknown, invalid or duplicate. At once or inside an Output: a field
    is invalid or secret, or a route has both or neither of server and URL.
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
        parts[known.name] = _route_fields(component, known, path)
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


def _route_fields(component: str, route: ToolRouteArgs, path: str) -> Any:
    def server(given: Any) -> Any:
        return None if given is None else plain(args_as(component, ToolServerArgs, given, f"{path}.server"))

    parts = {
        field.name: resolved(route.server, server)
        if field.name == "server"
        else plain(getattr(route, field.name))
        for field in fields(route)
    }
    checked = combined({name: public(component, f"{path}.{name}", part) for name, part in parts.items()})
    return resolved(checked, lambda known: _with_upstream(component, known, path))


def _with_upstream(component: str, route: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    if (route["server"] is None) == (route["url"] is None):
        message = "has neither server nor url" if route["url"] is None else "has both server and url"
        raise ArgsError(component, Finding((path,), message, "give exactly one of them"))
    return route


def _shape(value: object) -> str:
    return "an Output" if isinstance(value, pulumi.Output) else f"a {type(value).__name__}"
