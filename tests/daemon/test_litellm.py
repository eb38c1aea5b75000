"""What the daemon wrote to the cluster runs: the real proxy loads it and serves chats, with keys and guards."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab import ControlPlane
from tests.daemon.harness import PATCH_ANNOTATION, Daemon, fresh_namespace
from tests.daemon.manifests import config_map, gateway, guard, provider, secret
from tests.daemon.pods import gateway_proxy
from tests.litellm_proxy.guards import FakeModeration
from tests.litellm_proxy.harness import LiteLLMProxy
from tests.litellm_proxy.upstream import FakeOpenAI

KEY = "sk-from-the-secret"
GUARD_KEY = "sk-of-the-guard"


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that the daemon wrote and the real proxy runs, its model and its guard."""

    proxy: LiteLLMProxy
    model: FakeOpenAI
    moderation: FakeModeration


@pytest.fixture(scope="module")
def served(lab: ControlPlane, daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with fresh_namespace(lab) as namespace, FakeOpenAI() as model, FakeModeration() as moderation:
        reference = {"name": "moderation", "key": "token"}
        settings = {"baseUrl": moderation.base_url, "apiKeySecretRef": reference}
        namespace.apply(
            secret("api-key-secrets", OPENAI_API_KEY=KEY),
            secret("moderation", token=GUARD_KEY),
            config_map("tuning", patch_yaml="litellm_settings: {num_retries: 0}"),
            provider("openai", type="openai-moderation-api", openaiModeration=settings),
            guard("moderation", "openai"),
            gateway(
                "real",
                "gpt-4o",
                "gpt-4o-mini",
                annotations={PATCH_ANNOTATION: "tuning"},
                env=[{"name": "OPENAI_BASE_URL", "value": model.base_url}],
                guardrails=[{"name": "moderation"}],
            ),
        )
        namespace.wait_ready("real")
        with gateway_proxy(namespace, "real", tmp_path_factory.mktemp("container")) as proxy:
            yield Served(proxy, model, moderation)


@pytest.fixture(autouse=True)
def fresh(served: Served) -> None:
    served.model.forget()
    served.moderation.forget()


def test_the_generated_gateway_is_healthy_and_has_its_models(served: Served) -> None:
    assert served.proxy.get("/health/readiness").json()["status"] == "healthy"
    assert sorted(served.proxy.models()) == ["gpt-4o", "gpt-4o-mini"]


def test_a_chat_reaches_the_provider_with_the_key_of_the_secret(served: Served) -> None:
    answer = served.proxy.chat("gpt-4o", "ping")

    assert answer.status == 200, answer.text
    (request,) = served.model.requests
    assert request.authorization == f"Bearer {KEY}"
    assert request.json()["model"] == "gpt-4o"


def test_a_chat_reaches_the_guard_with_its_providers_key(served: Served) -> None:
    assert served.proxy.chat("gpt-4o", "ping").status == 200

    (request,) = served.moderation.requests
    assert request.authorization == f"Bearer {GUARD_KEY}"
    assert served.moderation.texts == ["ping"]


def test_a_chat_that_the_guard_flags_never_reaches_the_provider(served: Served) -> None:
    answer = served.proxy.chat("gpt-4o", f"plan some {FakeModeration.FLAGGED}")

    assert answer.status == 400
    assert "Violated OpenAI moderation policy" in answer.text
    assert served.model.requests == []
