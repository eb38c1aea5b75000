"""A real daemon process on a real control plane, and what a test asks of both."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from lab import ControlPlane, wait_until

GATEWAYCTL = Path(sys.executable).parent / "gatewayctl"
PATCH_ANNOTATION = "ai-gateway-litellm.agentic-layer.ai/config-patch"
SECONDS = 40.0

_PATHS = {
    "AiGateway": "/apis/runtime.agentic-layer.ai/v1alpha1/namespaces/{}/aigateways",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Event": "/apis/events.k8s.io/v1/namespaces/{}/events",
}


class Daemon:
    """``gatewayctl daemon`` as a process of its own.

    Parameters
    ----------
    lab
        Its cluster.
    folder
        Holds its log; its state too, unless `options` say otherwise.
    """

    def __init__(self, lab: ControlPlane, folder: Path, *options: str) -> None:
        folder.mkdir(exist_ok=True)
        self._log = folder / "daemon.log"
        self.state = folder / "state"
        command = [
            str(GATEWAYCTL),
            "daemon",
            "--state-folder",
            str(self.state),
            "--log-level",
            "debug",
            *options,
        ]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, "KUBECONFIG": str(lab.kubeconfig)},
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def log(self) -> list[dict[str, Any]]:
        """Return the lines it has logged."""
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def text(self) -> str:
        """Return everything it has written."""
        return self._log.read_text()

    def events(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the logged lines of one event with the given fields."""
        return [
            line
            for line in self.log()
            if line["event"] == event and all(line.get(key) == value for key, value in fields.items())
        ]

    def wait_for(self, event: str, **fields: Any) -> dict[str, Any]:
        """Wait until it has logged an event with the given fields."""
        return wait_until(
            lambda: self.events(event, **fields), timeout=SECONDS, what=f"log line {event} {fields}"
        )[-1]

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 45.0) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self.process.poll() is None:
            self.stop()
        if error is not None:
            print(f"--- daemon log ---\n{self.text()[-6000:]}")  # noqa: T201


class Namespace:
    """A namespace of the cluster as a test sees it."""

    def __init__(self, lab: ControlPlane, name: str) -> None:
        self.lab = lab
        self.name = name

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """Apply manifests as a user does."""
        text = "\n---\n".join(json.dumps(manifest) for manifest in manifests)
        self.lab.kubectl("apply", "-n", self.name, "-f", "-", input=text)

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in this namespace."""
        return self.lab.kubectl("-n", self.name, *arguments)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return an object; None where there is none."""
        return self.lab.api.get(f"{_PATHS[kind].format(self.name)}/{name}")

    def existing(self, kind: str, name: str) -> dict[str, Any]:
        """Return an object that must be there."""
        found = self.get(kind, name)
        assert found is not None, f"{kind} {name} does not exist"
        return found

    def list(self, kind: str) -> list[dict[str, Any]]:
        """Return all objects of a kind."""
        found = self.lab.api.get(_PATHS[kind].format(self.name))
        assert found is not None
        items: list[dict[str, Any]] = found["items"]
        return items

    def conditions(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the conditions of a gateway by type; empty where it has none."""
        status = self.existing("AiGateway", name).get("status") or {}
        return {condition["type"]: condition for condition in status.get("conditions") or ()}

    def reason(self, name: str, condition: str = "AiGatewayConfigured") -> str | None:
        """Return the reason of a condition of a gateway that speaks of its newest generation."""
        gateway = self.existing("AiGateway", name)
        found = self.conditions(name).get(condition)
        current = found is not None and found["observedGeneration"] == gateway["metadata"]["generation"]
        return found["reason"] if found and current else None

    def wait_ready(self, name: str, seconds: float = SECONDS) -> None:
        """Wait until the newest generation of a gateway is ready."""

        def ready() -> bool:
            applied = self.reason(name) == "ConfigurationApplied"
            return applied and self.reason(name, "AiGatewayReady") == "AiGatewayReady"

        try:
            wait_until(ready, timeout=seconds, what=f"{name} ready")
        except TimeoutError as error:
            error.add_note(f"its conditions: {self.conditions(name)}")
            raise

    def wait_reason(self, name: str, reason: str) -> str:
        """Wait until both conditions of a gateway have `reason`; return the message."""
        for condition in ("AiGatewayConfigured", "AiGatewayReady"):
            wait_until(
                lambda condition=condition: self.reason(name, condition) == reason,  # type: ignore[misc]
                timeout=SECONDS,
                what=f"{condition} of {name} with reason {reason}",
            )
        message: str = self.conditions(name)["AiGatewayConfigured"]["message"]
        return message

    def config(self, name: str) -> str:
        """Return the config.yaml of a gateway; empty where it has none."""
        config_map = self.get("ConfigMap", f"{name}-config")
        text: str = config_map["data"]["config.yaml"] if config_map else ""
        return text

    def wait_config(self, name: str, text: str) -> None:
        """Wait until the config.yaml of a gateway contains `text`."""
        wait_until(
            lambda: text in self.config(name), timeout=SECONDS, what=f"{text!r} in the config of {name}"
        )

    def hashes(self, name: str) -> dict[str, str]:
        """Return the annotations of a gateway's pod template."""
        template = self.existing("Deployment", name)["spec"]["template"]
        annotations: dict[str, str] = template["metadata"]["annotations"]
        return annotations

    def patch(self, kind: str, name: str, patch: Mapping[str, Any]) -> None:
        """Merge a patch into an object."""
        self.kubectl("patch", kind, name, "--type=merge", "-p", json.dumps(patch))


def gateway(
    name: str, *models: str, annotations: Mapping[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    """Return an AiGateway of the class ``litellm`` with models of the provider openai."""
    return {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "AiGateway",
        "metadata": {"name": name, "annotations": dict(annotations or {})},
        "spec": {
            "aiGatewayClassName": "litellm",
            "aiModels": [{"name": model, "provider": "openai"} for model in models or ("gpt-4o",)],
            **spec,
        },
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    """Return a ConfigMap; ``patch_yaml`` stands for the key ``patch.yaml``."""
    named = {key.replace("_yaml", ".yaml"): value for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": named}


def secret(name: str, **values: str) -> dict[str, Any]:
    """Return a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
