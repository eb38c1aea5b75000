"""What the daemon wrote to the cluster runs: the real proxy loads it and serves a chat with the Secret's key."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import ControlPlane
from tests.daemon.harness import PATCH_ANNOTATION, Daemon, Namespace, config_map, gateway, secret
from tests.litellm_proxy.harness import LiteLLMProxy
from tests.litellm_proxy.upstream import FakeOpenAI

KEY = "sk-from-the-secret"


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


def test_a_chat_through_the_generated_gateway_reaches_the_provider(
    lab: ControlPlane, namespace: Namespace, daemon: Daemon, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    namespace.apply(
        secret("api-key-secrets", OPENAI_API_KEY=KEY),
        config_map("tuning", patch_yaml="litellm_settings: {num_retries: 0}"),
        gateway(
            "real",
            "gpt-4o",
            "gpt-4o-mini",
            annotations={PATCH_ANNOTATION: "tuning"},
            env=[{"name": "OPENAI_BASE_URL", "value": upstream.base_url}],
        ),
    )
    namespace.wait_ready("real")
    config = tmp_path / "config.yaml"
    config.write_text(namespace.config("real"), encoding="utf-8")

    with LiteLLMProxy(config, _container_environment(namespace, "real", tmp_path)) as proxy:
        assert proxy.get("/health/readiness").json()["status"] == "healthy"
        assert sorted(proxy.models()) == ["gpt-4o", "gpt-4o-mini"]
        answer = proxy.chat("gpt-4o", "ping")

    assert answer.status == 200, answer.text
    (request,) = upstream.requests
    assert request.authorization == f"Bearer {KEY}"
    assert request.json()["model"] == "gpt-4o"


def _container_environment(namespace: Namespace, name: str, folder: Path) -> dict[str, str]:
    """Return the environment that a kubelet would give the container, folders of the pod below `folder`."""
    (container,) = namespace.existing("Deployment", name)["spec"]["template"]["spec"]["containers"]
    environment = {}
    for variable in container["env"]:
        if "value" in variable:
            environment[variable["name"]] = variable["value"]
            continue
        reference = variable["valueFrom"]["secretKeyRef"]
        data = namespace.existing("Secret", reference["name"])["data"]
        environment[variable["name"]] = base64.b64decode(data[reference["key"]]).decode()
    mount = environment["PROMETHEUS_MULTIPROC_DIR"]
    assert mount in [volume["mountPath"] for volume in container["volumeMounts"]]
    return {**environment, "PROMETHEUS_MULTIPROC_DIR": str(folder / mount.lstrip("/"))}
