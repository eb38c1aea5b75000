"""Fixtures of the tests that start the real LiteLLM proxy."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Protocol

import pytest

from tests.litellm_proxy.confined import confined_binary
from tests.litellm_proxy.harness import LiteLLMProxy
from tests.litellm_proxy.upstream import FakeOpenAI


class StartProxy(Protocol):
    """Starts the proxy with a configuration and an environment; it runs until the test module ends."""

    def __call__(
        self, config: str, env: Mapping[str, str], confined: Mapping[str, object] | None = None
    ) -> LiteLLMProxy: ...


@pytest.fixture(scope="module")
def fake_openai() -> Iterator[FakeOpenAI]:
    """Provider that the gateways under test call."""
    with FakeOpenAI() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def start_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartProxy]:
    """Starter of real proxies, which are stopped when the module is done."""
    with contextlib.ExitStack() as stack:

        def start(
            config: str, env: Mapping[str, str], confined: Mapping[str, object] | None = None
        ) -> LiteLLMProxy:
            path = tmp_path_factory.mktemp("litellm") / "config.yaml"
            path.write_text(config, encoding="utf-8")
            binary = confined_binary(path.parent, confined) if confined else None
            return stack.enter_context(LiteLLMProxy(path, env, binary=binary))

        yield start
