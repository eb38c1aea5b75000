"""The LiteLLM configuration (spec, "Generated config.yaml"): what generates it, its room in a ConfigMap, its risks."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from gateway_components import strict_yaml
from gateway_components.api.gateways import AiGateway, AiModel
from gateway_components.api.kinds import AI_GATEWAY
from gateway_components.errors import Finding, Path
from gateway_components.identity import Identity
from gateway_components.plan.environment import Origins, api_key_variable
from gateway_components.plan.findings import MOST_FAILURES, Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Content, Gateway, Resource, Unreadable
from gateway_components.plan.variables import (
    MASTER_VARIABLE,
    REFERENCE,
    block,
    foreign_references,
    from_environment,
)

_REQUEST_TIMEOUT_SECONDS = 600
_CALLBACKS = ("otel", "prometheus")
LARGEST = 1024 * 1024
"""Bytes that the values of a ConfigMap may have, keys not counted (measured on kube-apiserver 1.36)."""


class TooLarge(Failure):
    """A configuration is too large for a ConfigMap."""


def generated_config(
    gateway: Gateway, servers: Mapping[str, Mapping[str, Any]], guardrails: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the configuration of a gateway before its patch, keys in the order they are written.

    An AiGateway has a ``model_list``, a ToolGateway the entries `servers` of ``mcp_servers``; `guardrails` are left out
    where there are none.
    """
    config: dict[str, Any] = (
        {"model_list": model_list(gateway.spec.ai_models)}
        if isinstance(gateway, AiGateway)
        else {"mcp_servers": {key: servers[key] for key in sorted(servers)}}
    )
    config["litellm_settings"] = litellm_settings()
    if guardrails:
        config["guardrails"] = list(guardrails)
    return config


def model_list(models: Iterable[AiModel]) -> list[Mapping[str, Any]]:
    """Return LiteLLM's ``model_list``; keys are read from the environment, never written down."""
    return [
        {
            "model_name": model.name,
            "litellm_params": {
                "model": f"{model.provider}/{model.name}",
                "api_key": from_environment(api_key_variable(model.provider)),
            },
        }
        for model in models
    ]


def litellm_settings() -> dict[str, Any]:
    """Return the settings that every gateway has (operator-reference, "Supported LiteLLM features")."""
    return {"request_timeout": _REQUEST_TIMEOUT_SECONDS, "callbacks": list(_CALLBACKS)}


def literal_faults(config: Mapping[str, Any]) -> list[Failure]:
    """Return a failure for each text of a generated configuration that somebody wrote and that names a variable.

    LiteLLM would replace it: a model of that name would be listed by the variable's value.
    """
    return [
        Failure(
            Reason.CONFIG_GENERATION_FAILED,
            f"a text begins with {REFERENCE}, which LiteLLM would replace by a variable of the gateway's pods",
            path=_origin(path),
            cure="write the value itself; only spec.env and the config patch may name a variable",
        )
        for path in islice(foreign_references(config), MOST_FAILURES)
    ]


def _origin(path: Path) -> Path:
    match path:
        case ("model_list", int(position), "model_name"):
            return ("spec", "aiModels", position, "name")
        case ("model_list", int(position), *_):
            # PROVIDER/NAME begins as the provider does.
            return ("spec", "aiModels", position, "provider")
    return path


def check_size(config_yaml: str) -> None:
    """Refuse a configuration that is too large for a ConfigMap.

    Raises TooLarge ``ConfigGenerationFailed``, with the size.
    """
    size = len(config_yaml.encode())
    if size > LARGEST:
        raise TooLarge(
            Reason.CONFIG_GENERATION_FAILED,
            f"config.yaml would have {size} bytes, but a ConfigMap holds {LARGEST}",
            cure="shorten the config patch, or spread models or routes over several gateways",
        )


T = TypeVar("T")

_FREE_BYTES = 16 * 1024
"""A gateway whose objects have no more counts for nothing: how many there are is for a quota to bound."""
_NAMESPACE_BYTES = 4 * 1024 * 1024
"""What the objects of all larger ones of a namespace may have."""


class Shares:
    """What the gateways of each namespace take of its room; those that are asked about first come first."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._shares: dict[Identity, int] = {}

    def take(self, gateway: Identity, size: int) -> None:
        """Reserve the bytes that the objects of a gateway have, or will have at least; replaces an earlier reservation.

        Raises Failure ``ConfigGenerationFailed``: there is no room for them.
        """
        share = size if size > _FREE_BYTES else 0
        others = self._taken.get(gateway.namespace, 0) - self._shares.pop(gateway, 0)
        self._taken[gateway.namespace] = others
        if others + share > _NAMESPACE_BYTES:
            raise Failure(
                Reason.CONFIG_GENERATION_FAILED,
                f"the objects of this gateway have {size} bytes, and those of all gateways of namespace "
                f"{gateway.namespace} that have more than {_FREE_BYTES} may have {_NAMESPACE_BYTES} together, which "
                "older ones have taken",
                cure="shorten config patches and what gateways list, or spread large gateways over namespaces",
            )
        self._taken[gateway.namespace] = others + share
        self._shares[gateway] = share


def least_bytes(gateway: Gateway, contents: Collection[Content], resources: Collection[Resource]) -> int:
    """Return about how many bytes the objects of a gateway will have, before they are made."""
    patches = sum(len(text) for content in contents for text in content.data.values())
    specs = (one.spec for one in (gateway, *resources) if not isinstance(one, Unreadable))
    return patches + sum(len(spec.model_dump_json(exclude_defaults=True)) for spec in specs)


def guest_bytes(routes: Collection[RoutePlan]) -> int:
    """Return how many of them are of `routes` of other namespaces, which have a share of their own."""
    return sum(len(json.dumps(route.upstream.entry)) for route in routes if route.foreign and route.upstream)


def fitting(
    make: Callable[[Collection[RoutePlan]], T],
    config_of: Callable[[T], str],
    routes: Collection[RoutePlan],
) -> tuple[T, Collection[RoutePlan]]:
    """Return what a gateway becomes with as many routes as fit, and the routes left out.

    Those that come first by their rank are served. What is too large without any route is a failure.
    """
    try:
        return make(routes), ()
    except TooLarge:
        if not routes:
            raise
    bare = make(())
    room = LARGEST - _bytes(config_of(bare))
    served: list[RoutePlan] = []
    for route in sorted(routes, key=lambda route: route.rank):
        entry = {route.server: route.upstream.entry if route.upstream else {}}
        size = _bytes(strict_yaml.dump({"mcp_servers": entry}))
        if size <= room:
            room -= size
            served.append(route)
    kept = {route.key for route in served}
    return make(served), [route for route in routes if route.key not in kept]


def _bytes(text: str) -> int:
    return len(text.encode())


_OTHER_LOCKS = ("custom_auth", "enable_jwt_auth", "enable_oauth2_auth", "enable_oauth2_proxy_auth")
"""Keys of ``general_settings`` by which somebody else than the master key decides who may ask."""
_DATABASE = ("DATABASE_URL", "DIRECT_URL", "DATABASE_HOST")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_ENDPOINT")
_EXPORTERS = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER")
_TO_THE_LOG = "console"


@dataclass(frozen=True, slots=True)
class Posture:
    """A configuration with all patches, the container's ``env`` in JSON types, and what its ``envFrom`` provides."""

    config: Mapping[str, Any]
    env: Sequence[Mapping[str, Any]] = ()
    origins: Origins = field(default_factory=Origins)

    @property
    def has_database(self) -> bool:
        """Whether the proxy may keep a database.

        It then writes into its own package and runs programs from the home of root when it starts (`proxy_cli.py`).
        """
        return bool(block(self.config, "general_settings").get("database_url")) or any(
            map(self._is_given, _DATABASE)
        )

    def warnings(self, kind: str) -> Iterator[Finding]:
        """Yield the warnings for a gateway of `kind`; none about what is unknown."""
        if kind == AI_GATEWAY.kind and self._is_open:
            yield plan_warning(
                WarningReason.NO_MASTER_KEY,
                "there is no master key, so anyone who reaches the gateway can use the API keys of its providers, and "
                "have them sent elsewhere",
                ("spec", "env"),
                f"set {MASTER_VARIABLE} there from a Secret; docs/security.md says what else to do",
            )
        if self._logs_prompts:
            yield plan_warning(
                WarningReason.PROMPTS_LOGGED,
                "the callback otel has no endpoint, so what is asked and answered is written to the pod's log",
                ("spec", "env"),
                f"set {_ENDPOINTS[0]}, or litellm_settings.turn_off_message_logging: true in a config patch",
            )

    @property
    def _is_open(self) -> bool:
        settings = block(self.config, "general_settings")
        # A master key that is empty keeps everybody out.
        if settings.get("master_key") is not None or any(map(settings.get, _OTHER_LOCKS)):
            return False
        return not self._is_given(MASTER_VARIABLE)

    @property
    def _logs_prompts(self) -> bool:
        settings = block(self.config, "litellm_settings")
        names = (settings.get(key) for key in ("callbacks", "success_callback"))
        if not any("otel" in (found if isinstance(found, list) else [found]) for found in names):
            return False
        own = block(self.config, "callback_settings").get("otel")
        is_silent = isinstance(own, Mapping) and own.get("message_logging") is False
        if is_silent or settings.get("turn_off_message_logging") is True:
            return False
        if any(self._text(name) != "" for name in _ENDPOINTS):
            return False
        exporters = (text for name in _EXPORTERS if self._is_given(name) for text in (self._text(name),))
        return next(exporters, _TO_THE_LOG) == _TO_THE_LOG

    def _is_given(self, name: str) -> bool:
        return (
            name in block(self.config, "environment_variables")
            or any(variable["name"] == name for variable in self.env)
            or self.origins.may_provide(name)
        )

    def _text(self, name: str) -> str | None:
        """Return the value of a variable, empty if it is not set; None if unknown."""
        if not self._is_given(name):
            return ""
        for variable in self.env:
            if (
                variable["name"] == name
                and "valueFrom" not in variable
                and name not in block(self.config, "environment_variables")
            ):
                text = variable.get("value", "")
                return None if "$(" in text else text
        return None
