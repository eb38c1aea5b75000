"""Fixtures of the tests that start the real LiteLLM proxy."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

import pytest

from .confined import confined_binary
from .harness import LiteLLMProxy
from .upstream import FakeOpenAI

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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
