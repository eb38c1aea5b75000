"""Builds Guards and GuardrailProviders from the arguments of guards."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic.alias_generators import to_camel

from gateway_components.api.guardrails import ProviderType
from gateway_components.components.args import (
    BedrockGuardArgs,
    BedrockProviderArgs,
    ModerationGuardArgs,
    ModerationProviderArgs,
    PresidioGuardArgs,
    PresidioProviderArgs,
)
from gateway_components.components.described import Described, arguments_of, described
from gateway_components.components.inputs import ArgsError, args_as, one_of, plain, public, resolved, together
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

    Raises
    ------
    ArgsError
        At once or inside the Output: an argument is of another shape or holds a secret.
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
    return together({**checked, "type": service.provider_type, "settings": together(own)})


def _as_text(setting: Any) -> Any:
    """Return a setting with its numbers as text: the custom resources know no other."""
    if not isinstance(setting, Mapping):
        return setting
    return {key: str(part) if type(part) in {int, float} else part for key, part in setting.items()}


def _choices() -> str:
    return one_of(*(service.guard for service in _SERVICES.values()))
