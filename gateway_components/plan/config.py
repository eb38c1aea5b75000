"""The generated LiteLLM configuration (spec, "Generated config.yaml"), and the room that a ConfigMap has for it."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from gateway_components import strict_yaml
from gateway_components.api.gateways import AiGateway, AiModel
from gateway_components.errors import Path
from gateway_components.identity import Identity
from gateway_components.plan.environment import api_key_variable
from gateway_components.plan.findings import MOST_FAILURES, Failure, Reason
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Content, Gateway, Resource, Unreadable
from gateway_components.plan.variables import REFERENCE, foreign_references, from_environment

__all__ = [
    "LARGEST",
    "Shares",
    "TooLarge",
    "check_size",
    "fitting",
    "generated_config",
    "guest_bytes",
    "least_bytes",
    "literal_faults",
    "model_list",
]

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

    Parameters
    ----------
    gateway
        An AiGateway has a ``model_list``, a ToolGateway ``mcp_servers``.
    servers
        Entries of ``mcp_servers`` by their key.
    guardrails
        Entries of ``guardrails``; left out where there are none.
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
    """Return the field of the gateway that a text of the configuration comes from."""
    match path:
        case ("model_list", int(position), "model_name"):
            return ("spec", "aiModels", position, "name")
        case ("model_list", int(position), *_):
            # PROVIDER/NAME begins as the provider does.
            return ("spec", "aiModels", position, "provider")
    return path


def check_size(config_yaml: str) -> None:
    """Refuse a configuration that is too large for a ConfigMap.

    Raises
    ------
    TooLarge
        ``ConfigGenerationFailed``, with the size.
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
        """Say how many bytes the objects of a gateway have, or at least will have; the last word counts.

        Raises
        ------
        Failure
            ``ConfigGenerationFailed``: there is no room for them.
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
