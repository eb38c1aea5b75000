"""A Secret that is deleted and made anew, as some operators do it: told of, and no pod is replaced for it."""

from typing import Any

import pytest

from lab import wait_until
from tests.daemon.harness import SECONDS, Namespace
from tests.daemon.manifests import config_map, gateway, secret

SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"
KEYS = secret("api-key-secrets", OPENAI_API_KEY="one")

SOURCES: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("the keys of models", KEYS, {}),
    (
        "a Secret of envFrom",
        secret("tokens", TOKEN="one"),
        {"envFrom": [{"secretRef": {"name": "tokens"}}]},
    ),
    (
        "a ConfigMap of env",
        config_map("flags", flag="on"),
        {"env": [{"name": "FLAG", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "flag"}}}]},
    ),
)


def applied(namespace: Namespace) -> str:
    """Return what is said of the configuration."""
    message: str = namespace.conditions("chat")["AiGatewayConfigured"]["message"]
    return message


def generation(namespace: Namespace) -> int:
    """Return how often the Deployment was changed."""
    found: int = namespace.existing("Deployment", "chat")["metadata"]["generation"]
    return found


@pytest.mark.parametrize(("source", "manifest", "spec"), SOURCES, ids=[case[0] for case in SOURCES])
def test_pods_survive_what_is_deleted_for_a_moment(
    namespace: Namespace, source: str, manifest: dict[str, Any], spec: dict[str, Any]
) -> None:
    namespace.apply(KEYS, manifest, gateway("chat", **spec))
    namespace.wait_ready("chat")
    before, name = generation(namespace), manifest["metadata"]["name"]

    namespace.kubectl("delete", manifest["kind"], name)
    reported = f"{manifest['kind']} {namespace.name}/{name} was deleted"
    namespace.wait_event("chat", "ReferenceNotFound", reported)
    wait_until(lambda: reported in applied(namespace), timeout=SECONDS, what="the warning in the condition")
    assert generation(namespace) == before, source

    namespace.apply(manifest)
    wait_until(lambda: reported not in applied(namespace), timeout=SECONDS, what="no such warning any more")
    assert generation(namespace) == before, source


def test_edits_are_applied_while_a_secret_is_awaited(namespace: Namespace) -> None:
    namespace.apply(KEYS, gateway("chat"))
    namespace.wait_ready("chat")
    before = namespace.hashes("chat")

    namespace.kubectl("delete", "secret", "api-key-secrets")
    namespace.wait_event("chat", "ReferenceNotFound", "was deleted")
    namespace.apply(gateway("chat", "gpt-5"))
    namespace.wait_ready("chat")

    after = namespace.hashes("chat")
    assert {name for name in before if before[name] != after[name]} == {
        "runtime.agentic-layer.ai/config-hash"
    }


def test_a_secret_that_never_existed_stays_a_warning(namespace: Namespace) -> None:
    namespace.apply(gateway("chat"))
    namespace.wait_ready("chat")

    missing = f"Secret {namespace.name}/api-key-secrets does not exist, so pods start without OPENAI_API_KEY"
    assert f"the first: {missing}" in applied(namespace)
    without_keys = namespace.hashes("chat")[SECRET_HASH]
    namespace.apply(KEYS)
    wait_until(lambda: missing not in applied(namespace), timeout=SECONDS, what="no such warning any more")
    assert namespace.hashes("chat")[SECRET_HASH] != without_keys
