"""A Secret that is deleted and made anew, as some operators do it: told of, and no pod is replaced for it."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway_components.plan.objects import EMPTY_DIGEST
from lab import ControlPlane, wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace, fresh_namespace
from tests.daemon.manifests import config_map, gateway, secret

SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"
KEYS = secret("api-key-secrets", OPENAI_API_KEY="one")

SOURCES: dict[str, dict[str, Any]] = {
    "the keys of models": KEYS,
    "a Secret of envFrom": secret("tokens", TOKEN="one"),
    "a ConfigMap of env": config_map("flags", flag="on"),
}
REFERENCES: dict[str, Any] = {
    "envFrom": [{"secretRef": {"name": "tokens"}}],
    "env": [{"name": "FLAG", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "flag"}}}],
}


def applied(namespace: Namespace) -> str:
    """Return what is said of the configuration."""
    message: str = namespace.conditions("chat")["AiGatewayConfigured"]["message"]
    return message


def generation(namespace: Namespace) -> int:
    """Return how often the Deployment was changed."""
    found: int = namespace.existing("Deployment", "chat")["metadata"]["generation"]
    return found


@pytest.fixture(scope="module")
def ready(lab: ControlPlane, daemon: Daemon) -> Iterator[Namespace]:
    """Return a namespace with a gateway that refers to all sources, which each test leaves as they were."""
    with fresh_namespace(lab) as place:
        place.apply(*SOURCES.values(), gateway("chat", **REFERENCES))
        place.wait_ready("chat")
        yield place


@pytest.mark.parametrize("source", SOURCES)
def test_pods_survive_what_is_deleted_for_a_moment(ready: Namespace, source: str) -> None:
    kind, name = SOURCES[source]["kind"], SOURCES[source]["metadata"]["name"]
    before = generation(ready)

    reported = f"{kind} {ready.name}/{name} was deleted"
    try:
        ready.delete(kind, name)
        ready.wait_event("chat", "ReferenceNotFound", reported)
        wait_until(lambda: reported in applied(ready), timeout=SECONDS, what="the warning in the condition")
        assert generation(ready) == before
    finally:
        ready.apply(SOURCES[source])
    wait_until(lambda: reported not in applied(ready), timeout=SECONDS, what="no such warning any more")
    assert generation(ready) == before


def test_edits_are_applied_while_a_secret_is_awaited(namespace: Namespace) -> None:
    namespace.apply(KEYS, gateway("chat"))
    namespace.wait_ready("chat")
    before = namespace.hashes("chat")

    namespace.delete("Secret", "api-key-secrets")
    namespace.wait_event("chat", "ReferenceNotFound", "was deleted")
    namespace.apply(gateway("chat", "gpt-5"))
    namespace.wait_ready("chat")

    after = namespace.hashes("chat")
    assert {name for name in before if before[name] != after[name]} == {
        "runtime.agentic-layer.ai/config-hash"
    }


def test_a_secret_that_never_existed_stays_a_warning_and_each_new_value_rolls_the_pods(
    namespace: Namespace,
) -> None:
    namespace.apply(gateway("chat"))
    namespace.wait_ready("chat")

    missing = f"Secret {namespace.name}/api-key-secrets does not exist, so pods start without OPENAI_API_KEY"
    assert f"the first: {missing}" in applied(namespace)
    seen = [namespace.hashes("chat")[SECRET_HASH]]
    assert seen == [EMPTY_DIGEST]
    for manifest in (KEYS, secret("api-key-secrets", OPENAI_API_KEY="two")):
        namespace.apply(manifest)
        wait_until(
            lambda: namespace.hashes("chat")[SECRET_HASH] not in seen,
            timeout=SECONDS,
            what="a new secret-hash",
        )
        seen.append(namespace.hashes("chat")[SECRET_HASH])
    namespace.wait_ready("chat")
    assert missing not in applied(namespace)
