"""No value of a secret leaves its Secret: planted ones are looked for in all that the daemon makes and says."""

import base64
import json
import sys
import threading
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psutil
import pytest
import yaml

from gateway_components.install.__main__ import one_file
from gateway_components.install.options import NAMESPACE, Installation
from gateway_components.kube.install_secrets import PASSPHRASE_SECRET
from gateway_components.kube.state_format import STATE_SECRET
from lab import ControlPlane, wait_until
from tests.conftest import Audited
from tests.daemon.harness import SECONDS, Namespace
from tests.daemon.manifests import gateway, guard, provider, secret
from tests.install.pod import Pod

PLANTED = {
    "api-key-secrets": {"OPENAI_API_KEY": "sk-canary-of-a-model-1"},
    "moderation": {"token": "sk-canary-of-a-guard-2"},
    "variables": {"TOKEN": "canary-of-a-variable-3"},
    "all-variables": {"PASSWORD": "canary-of-many-variables-4"},
}
ROTATED = "sk-canary-after-rotation-5"
MARKER = "gpt-marker"
"""A model: no secret, and found wherever a secret could be."""

VARIABLE = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "variables", "key": "TOKEN"}}}
GUARDED: dict[str, Any] = {
    "guardrails": [{"name": "moderation"}],
    "env": [VARIABLE],
    "envFrom": [{"secretRef": {"name": "all-variables"}}],
}


class WholePod(Pod):
    """A pod whose daemon starts from nothing, so that anybody sees its own command line."""

    def command(
        self, found: Mapping[str, Any], mounts: Mapping[str, Path], namespace: str, options: tuple[str, ...]
    ) -> list[str]:
        return [sys.executable, *super().command(found, mounts, namespace, options)]


class Arguments:
    """Collects the command lines of a process and of all that it starts, as anybody on the machine can read them."""

    def __init__(self, process: int) -> None:
        self._root = psutil.Process(process)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: set[str] = set()

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            for process in self._family():
                try:
                    self.seen.add("\0".join(process.cmdline()))
                except psutil.Error:
                    continue

    def _family(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def secretive(audited: Audited) -> Namespace:
    """A namespace with a value planted in each Secret that a gateway can use."""
    audited.lab.kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", "-", input=one_file(Installation())
    )
    audited.lab.kubectl("create", "namespace", "secretive")
    namespace = Namespace(audited.lab, "secretive")
    namespace.apply(*(secret(name, **values) for name, values in PLANTED.items()))
    block = {"apiKeySecretRef": {"name": "moderation", "key": "token"}}
    namespace.apply(
        guard("moderation", "moderation", openaiModeration={}),
        provider("moderation", type="openai-moderation-api", openaiModeration=block),
    )
    return namespace


def live(namespace: Namespace) -> None:
    """Take a gateway through success, rotation, drift and failure."""
    namespace.apply(gateway("chat", MARKER, **GUARDED))
    namespace.wait_ready("chat")
    before = namespace.hashes("chat")
    namespace.apply(secret("api-key-secrets", OPENAI_API_KEY=ROTATED))
    wait_until(lambda: namespace.hashes("chat") != before, timeout=SECONDS, what="a restart with the new key")
    namespace.delete("Deployment", "chat")
    wait_until(lambda: namespace.get("Deployment", "chat"), timeout=SECONDS, what="the Deployment again")
    namespace.apply(gateway("chat", MARKER, podMetadata={"labels": {"team": "not valid!"}}, **GUARDED))
    namespace.wait_reason("chat", "DeploymentFailed")
    namespace.apply(gateway("chat", MARKER, **GUARDED))
    namespace.wait_ready("chat")


def values(lab: ControlPlane, pod: Pod) -> Iterator[str]:
    """Yield every value that nobody may see, in clear and as Secrets hold it."""
    token: str = yaml.safe_load(pod.kubeconfig.read_text())["users"][0]["user"]["token"]
    stored = lab.api.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/{PASSPHRASE_SECRET}")
    assert stored
    passphrases = [base64.b64decode(value).decode() for value in stored["data"].values()]
    planted = [value for content in PLANTED.values() for value in content.values()]
    for value in (token, *passphrases, *planted, ROTATED):
        yield value
        yield base64.b64encode(value.encode()).decode()


def places(lab: ControlPlane, pod: Pod, arguments: Arguments) -> Mapping[str, str]:
    """Return the text of everything that the daemon made or said, by where that is."""
    kinds = "configmaps,deployments,replicasets,pods,services,leases,events.events.k8s.io,aigateways,guards"
    files = {str(file): file for file in pod.volumes.rglob("*") if file.is_file()}
    with urllib.request.urlopen(f"http://127.0.0.1:{pod.port}/metrics") as answer:
        metrics = answer.read().decode()
    return {
        "objects": lab.kubectl("get", "-A", "-o", "yaml", "--show-managed-fields", kinds),
        "state": "\n".join(states(lab)),
        "log": pod.text(),
        "metrics": metrics,
        "arguments": "\n".join(arguments.seen),
        **{name: file.read_text(errors="replace") for name, file in files.items()},
    }


def states(lab: ControlPlane) -> Iterator[str]:
    """Yield all that stands in the Secrets with the engine's state, unpacked."""
    for found in json.loads(lab.kubectl("get", "secrets", "-A", "-o", "json"))["items"]:
        if found["metadata"]["name"].startswith(STATE_SECRET):
            yield json.dumps(found["metadata"])
            for key, value in found["data"].items():
                content = base64.b64decode(value)
                yield (zlib.decompress(content) if key == "checkpoint" else content).decode(errors="replace")


def test_no_planted_value_is_found_anywhere(audited: Audited, secretive: Namespace, tmp_path: Path) -> None:
    with WholePod(audited.lab, tmp_path / "pod", NAMESPACE, "--log-level=debug") as pod:
        pod.wait_for("watching")
        with Arguments(pod.process.pid) as arguments:
            live(secretive)
        found = places(audited.lab, pod, arguments)
        hidden = list(values(audited.lab, pod))

    for place in ("objects", "state"):
        assert MARKER in found[place], f"the search sees what is in the {place}"
    assert "chat" in found["log"]
    assert "DeploymentFailed" in found["log"]
    assert "reason: DeploymentFailed" in found["objects"], "events are among them"
    assert "--log-level=debug" in found["arguments"], "the daemon's own"
    assert "pulumi" in found["arguments"]
    assert "pulumi-resource-kubernetes" in found["arguments"]
    assert "process_" in found["metrics"]
    assert [(place, value) for place, text in found.items() for value in hidden if value in text] == []
