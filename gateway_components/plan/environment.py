"""Environment of the LiteLLM container (operator-reference, "Environment variables")."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_components.crds.pod import EnvVar

__all__ = [
    "API_KEY_SECRET",
    "MULTIPROC_DIR",
    "api_key_variable",
    "environment",
    "from_environment",
    "secret_variable",
]

API_KEY_SECRET = "api-key-secrets"  # noqa: S105  (the name of the Secret)
MULTIPROC_DIR = "/prometheus_multiproc"
_MULTIPROC_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def api_key_variable(provider: str) -> str:
    """Return the variable that holds the API key of `provider`: ``OPENAI_API_KEY`` for ``openai``.

    Characters that no environment variable may hold become ``_``.
    """
    return re.sub(r"[^A-Z0-9_]", "_", provider.upper()) + "_API_KEY"


def from_environment(variable: str) -> str:
    """Return the value of a configuration for which LiteLLM takes that of `variable`."""
    return f"os.environ/{variable}"


def secret_variable(name: str, secret: str, key: str, *, optional: bool | None = None) -> dict[str, Any]:
    """Return the variable `name` with the value of a key of a Secret, in JSON types."""
    selector = {"name": secret, "key": key, **({} if optional is None else {"optional": optional})}
    return {"name": name, "valueFrom": {"secretKeyRef": selector}}


def environment(
    providers: Iterable[str], credentials: Iterable[Mapping[str, Any]], variables: Iterable[EnvVar]
) -> list[dict[str, Any]]:
    """Return the container's ``env``, sorted by name, each name once.

    `variables` (``spec.env``) win over the API keys of `providers` and the `credentials` of guardrails; nothing
    wins over ``PROMETHEUS_MULTIPROC_DIR``. Of two equal names in `variables` the last holds, as in a pod.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for provider in providers:
        name = api_key_variable(provider)
        chosen[name] = secret_variable(name, API_KEY_SECRET, name, optional=True)
    for credential in credentials:
        chosen[credential["name"]] = dict(credential)
    for variable in variables:
        chosen[variable.name] = variable.model_dump(by_alias=True, exclude_none=True)
    chosen[_MULTIPROC_VARIABLE] = {"name": _MULTIPROC_VARIABLE, "value": MULTIPROC_DIR}
    return [chosen[name] for name in sorted(chosen)]
