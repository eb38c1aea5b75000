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
from gateway_components.components.inputs import Argument, args_as, combined, one_of, plain, public, resolved
from gateway_components.errors import Path
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


def guard_parts(at: Argument, guards: Any) -> Any:
    """Return the fields of each guard that the argument `at` gives, as plain JSON types or as an Output of them.

    Raises ArgsError, at once or inside the Output: an argument is of another shape or holds a secret.
    """

    def each(known: Any) -> Any:
        if known is None:
            return []
        if not isinstance(known, Sequence) or isinstance(known, str | bytes):
            raise at.fault(f"is a {type(known).__name__}, but must be a list", f"list {_choices()}")
        return plain([_guard(at[place], guard) for place, guard in enumerate(known)])

    return public(at, resolved(guards, each))


def described_guards(guards: Sequence[Mapping[str, Any]], namespace: str) -> Iterator[Described]:
    """Yield the Guard of each guard that `guard_parts` returned, and the GuardrailProvider of the same name."""
    for position, guard in enumerate(guards):
        path, service = ("guardrails", position), _SERVICES[guard["type"]]
        metadata = {"name": guard["name"], "namespace": namespace}
        name: dict[Path, Path] = {("metadata", "name"): (*path, "name")}
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
                ("metadata", "annotations", ANONYMIZER_ANNOTATION): (*path, "provider", "anonymizer_url"),
                **arguments_of(service.provider, block, (*path, "provider")),
                block: (*path, "provider"),
            },
        )
        yield described(
            "Guard",
            metadata,
            {"mode": guard["mode"], service.block: guard["settings"], "providerRef": {"name": guard["name"]}},
            {
                **name,
                ("spec", "mode"): (*path, "mode"),
                **arguments_of(service.guard, block, path),
                block: path,
            },
        )


def _guard(at: Argument, given: Any) -> Any:
    def known(guard: Any) -> Any:
        for service in _SERVICES.values():
            if isinstance(guard, service.guard):
                return _fields(at, service, guard)
        if not isinstance(guard, Mapping):
            raise at.fault(f"is a {type(guard).__name__}", f"give {_choices()}")
        if "provider" not in guard:
            raise at["provider"].fault("is required but missing", "add it, with its type and settings")
        return resolved(guard["provider"], lambda provider: with_provider(guard, provider))

    def with_provider(guard: Mapping[str, Any], provider: Any) -> Any:
        service, settings = _service(at["provider"], provider)
        return _fields(at, service, args_as(at, service.guard, {**guard, "provider": settings}))

    return public(at, resolved(given, known))


def _service(at: Argument, provider: Any) -> tuple[_Service, Any]:
    for service in _SERVICES.values():
        if isinstance(provider, service.provider):
            return service, provider
    types = f"one of {', '.join(_SERVICES)}"
    if not isinstance(provider, Mapping):
        message = f"is a {type(provider).__name__}, but must be a map or an args class of a provider"
        raise at.fault(message, f"give a map whose type is {types}")
    if "type" not in provider:
        raise at["type"].fault("is required but missing", f"use {types}")
    found = _SERVICES.get(str(provider["type"]))
    if found is None:
        raise at["type"].fault(f'is "{provider["type"]}"', f"use {types}")
    return found, {name: value for name, value in provider.items() if name != "type"}


def _fields(at: Argument, service: _Service, guard: Any) -> Any:
    def provider(given: Any) -> Any:
        return plain(args_as(at["provider"], service.provider, given))

    settings = {name: resolved(plain(getattr(guard, name)), _as_text) for name in service.settings}
    parts = {
        "name": plain(guard.name),
        "mode": plain(guard.mode),
        "provider": resolved(guard.provider, provider),
        **settings,
    }
    checked = {name: public(at[name], part) for name, part in parts.items()}
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


def route_parts(at: Argument, routes: Any) -> dict[str, Any]:
    """Return the fields of each route that an argument gives, by its name, as plain JSON types or Outputs of them.

    Raises ArgsError: at once, the list or a name is unknown, invalid or duplicate. At once or inside an Output: a field
    is invalid or secret, or a route has both or neither of server and URL.
    """
    if not isinstance(routes, list | tuple):
        cure = "list the routes in the program; all but their names may be Outputs"
        raise at.fault(f"is {_shape(routes)}, but must be a plain list", cure)
    parts: dict[str, Any] = {}
    for position, route in enumerate(routes):
        known = _known(at[position], route)
        if known.name in parts:
            message = f'is "{known.name}", as that of routes[{list(parts).index(known.name)}]'
            raise at[position]["name"].fault(message, "give each route its own name")
        parts[known.name] = _route_fields(at[position], known)
    return parts


def described_routes(routes: Mapping[str, Any], namespace: str, gateway: str) -> Iterator[Described]:
    """Yield the ToolRoute of each route that `route_parts` returned, and the ToolServer behind it."""
    for position, (name, route) in enumerate(routes.items()):
        path = ("routes", position)
        server, url = route["server"], route["url"]
        upstream: dict[str, Any] = {}
        if server is not None:
            where = namespace if server.get("namespace") is None else server["namespace"]
            upstream["toolServerRef"] = {"name": server.get("name"), "namespace": where}
            yield _server(server, where, (*path, "server"))
        if url is not None:
            upstream["external"] = {"url": url}
        tools = {key: route[key] for key in ("allow", "deny") if route[key] is not None}
        yield described(
            "ToolRoute",
            {"name": name, "namespace": namespace},
            {"toolGatewayRef": {"name": gateway}, "upstream": upstream, "toolFilter": tools},
            {
                ("metadata", "name"): (*path, "name"),
                ("spec", "upstream", "external", "url"): (*path, "url"),
                ("spec", "upstream", "toolServerRef"): (*path, "server"),
                ("spec", "upstream"): path,
                ("spec", "toolFilter"): path,
                ("spec", "toolGatewayRef"): path,
            },
        )


def _server(server: Mapping[str, Any], namespace: str, path: Path) -> Described:
    spec = {key: value for key, value in server.items() if key not in ("name", "namespace")}
    arguments = {("metadata", "name"): (*path, "name"), **arguments_of(ToolServerArgs, ("spec",), path)}
    metadata = {"name": server.get("name"), "namespace": namespace}
    fault = namespace_problem(namespace)
    faults = [replace(fault, path=(*path, *fault.path))] if fault else []
    return described("ToolServer", metadata, {"image": _UNUSED_IMAGE, **spec}, arguments, *faults)


def _known(at: Argument, given: Any) -> ToolRouteArgs:
    if isinstance(given, pulumi.Output):
        cure = f"give {one_of(ToolRouteArgs)} whose fields other than name may be Outputs"
        raise at.fault("is an Output, but its name must be known immediately", cure)
    route = args_as(at, ToolRouteArgs, given)
    if not isinstance(route.name, str):
        message = f"is {_shape(route.name)}, but must be plain text"
        raise at["name"].fault(message, "write the name in the program")
    return route


def _route_fields(at: Argument, route: ToolRouteArgs) -> Any:
    def server(given: Any) -> Any:
        return None if given is None else plain(args_as(at["server"], ToolServerArgs, given))

    def with_upstream(known: Mapping[str, Any]) -> Mapping[str, Any]:
        if (known["server"] is None) == (known["url"] is None):
            message = "has neither server nor url" if known["url"] is None else "has both server and url"
            raise at.fault(message, "give exactly one of them")
        return known

    names = [field.name for field in fields(route) if field.name != "server"]
    parts = {name: plain(getattr(route, name)) for name in names}
    parts["server"] = resolved(route.server, server)
    checked = combined({name: public(at[name], part) for name, part in parts.items()})
    return resolved(checked, with_upstream)


def _shape(value: object) -> str:
    return "an Output" if isinstance(value, pulumi.Output) else f"a {type(value).__name__}"
