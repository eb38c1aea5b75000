"""Environment of the LiteLLM container (operator-reference, "Environment variables")."""

import re
from collections.abc import Iterable
from typing import Any

from gateway_components.crds.pod import EnvVar

__all__ = ["API_KEY_SECRET", "MULTIPROC_DIR", "api_key_variable", "environment"]

API_KEY_SECRET = "api-key-secrets"  # noqa: S105  (the name of the Secret)
MULTIPROC_DIR = "/prometheus_multiproc"
_MULTIPROC_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def api_key_variable(provider: str) -> str:
    """Return the variable that holds the API key of `provider`: ``OPENAI_API_KEY`` for ``openai``.

    Characters that no environment variable may hold become ``_``.
    """
    return re.sub(r"[^A-Z0-9_]", "_", provider.upper()) + "_API_KEY"


def environment(providers: Iterable[str], variables: Iterable[EnvVar]) -> list[dict[str, Any]]:
    """Return the container's ``env``, sorted by name, each name once.

    `variables` (``spec.env``) win over the API keys of `providers`; nothing wins over
    ``PROMETHEUS_MULTIPROC_DIR``. Of two equal names in `variables` the last holds, as in a pod.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for provider in providers:
        name = api_key_variable(provider)
        key = {"name": API_KEY_SECRET, "key": name, "optional": True}
        chosen[name] = {"name": name, "valueFrom": {"secretKeyRef": key}}
    for variable in variables:
        chosen[variable.name] = variable.model_dump(by_alias=True, exclude_none=True)
    chosen[_MULTIPROC_VARIABLE] = {"name": _MULTIPROC_VARIABLE, "value": MULTIPROC_DIR}
    return [chosen[name] for name in sorted(chosen)]
