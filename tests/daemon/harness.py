"""A real daemon process on a real control plane, and what a test asks of both."""

import contextlib
import json
import os
import secrets
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil
import yaml

from lab import ControlPlane, wait_until
from tests.daemon.starts import start_program

GATEWAYCTL = Path(sys.executable).parent / "gatewayctl"
PATCH_ANNOTATION = "ai-gateway-litellm.agentic-layer.ai/config-patch"
SECONDS = 120.0


_OURS = "/apis/runtime.agentic-layer.ai/v1alpha1/namespaces/{}"
_PATHS = {
    "AiGateway": f"{_OURS}/aigateways",
    "ToolGateway": f"{_OURS}/toolgateways",
    "ToolRoute": f"{_OURS}/toolroutes",
    "ToolServer": f"{_OURS}/toolservers",
    "Guard": f"{_OURS}/guards",
    "GuardrailProvider": f"{_OURS}/guardrailproviders",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "AiGatewayClass": "/apis/runtime.agentic-layer.ai/v1alpha1/aigatewayclasses",
    "ToolGatewayClass": "/apis/runtime.agentic-layer.ai/v1alpha1/toolgatewayclasses",
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
    kubeconfig
        Another way to that cluster.
    program
        What to start instead of ``gatewayctl``.
    log_level
        The least that is worth a line; None for what its settings say.
    """

    def __init__(
        self,
        lab: ControlPlane,
        folder: Path,
        *options: str,
        kubeconfig: Path | None = None,
        program: Sequence[str] = (str(GATEWAYCTL),),
        log_level: str | None = "debug",
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._log = folder / "daemon.log"
        self._read = 0
        self._lines: list[dict[str, Any]] = []
        self._events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.state = folder / "state"
        command = [
            *program,
            "daemon",
            "--scratch-folder",
            str(self.state),
            # What `options` say comes later, and wins.
            "--install-namespace",
            "default",
            *(("--log-level", log_level) if log_level else ()),
            *options,
        ]
        env = {**os.environ, "KUBECONFIG": str(kubeconfig or lab.kubeconfig)}
        self.process = start_program(command, env, self._log)

    def log(self) -> list[dict[str, Any]]:
        """Return the lines it has logged; one that a killed daemon left half written is passed over."""
        self._read_log()
        return list(self._lines)

    def _read_log(self) -> None:
        with self._log.open("rb") as log:
            log.seek(self._read)
            # What is being written now is read the next time.
            whole, end, _ = log.read().rpartition(b"\n")
        self._read += len(whole + end)
        for line in whole_lines(whole.decode(errors="replace")):
            self._lines.append(line)
            self._events[line["event"]].append(line)

    def text(self) -> str:
        """Return everything it has written."""
        return self._log.read_text(errors="replace")

    def events(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the logged lines of one event with the given fields."""
        self._read_log()
        return [
            line
            for line in self._events.get(event, ())
            if all(line.get(key) == value for key, value in fields.items())
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
        """Apply manifests as ``kubectl apply --server-side`` does, whose start would take longer than that."""
        for manifest in manifests:
            metadata = manifest["metadata"]
            collection = self._collection(manifest)
            self.lab.api.apply(f"{collection}/{metadata['name']}", {**manifest}, "kubectl")

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in this namespace."""
        return self.lab.kubectl("-n", self.name, *arguments)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return an object; None where there is none."""
        return self.lab.api.get(f"{_PATHS[kind].format(self.name)}/{name}")

    def path(self, kind: str) -> str:
        """Return the path of the objects of a kind."""
        return _PATHS[kind].format(self.name)

    def existing(self, kind: str, name: str) -> dict[str, Any]:
        """Return an object that must be there."""
        found = self.get(kind, name)
        assert found is not None, f"{kind} {name} does not exist"
        return found

    def notes(self, name: str, reason: str) -> list[dict[str, Any]]:
        """Return the events with `reason` about an object of this name."""
        return [
            event
            for event in self.list("Event")
            if event["regarding"]["name"] == name and event["reason"] == reason
        ]

    def list(self, kind: str) -> list[dict[str, Any]]:
        """Return all objects of a kind."""
        found = self.lab.api.get(_PATHS[kind].format(self.name))
        assert found is not None
        items: list[dict[str, Any]] = found["items"]
        return items

    def conditions(self, name: str, kind: str = "AiGateway") -> dict[str, dict[str, Any]]:
        """Return the conditions of a gateway or a route by type; empty where it has none."""
        return _conditions(self.existing(kind, name))

    def current_conditions(self, name: str, kind: str = "AiGateway") -> dict[str, dict[str, Any]]:
        """Return the conditions that speak of the newest generation of a gateway or a route, by type."""
        raw = self.existing(kind, name)
        generation = raw["metadata"]["generation"]
        return {
            type_: condition
            for type_, condition in _conditions(raw).items()
            if condition.get("observedGeneration") == generation
        }

    def url(self, kind: str, name: str) -> str:
        """Return the ``status.url`` of a ToolGateway or a ToolRoute; empty where it has none."""
        found: str = (self.existing(kind, name).get("status") or {}).get("url") or ""
        return found

    def reason(
        self, name: str, condition: str = "AiGatewayConfigured", kind: str = "AiGateway"
    ) -> str | None:
        """Return the reason of a condition that speaks of the newest generation of a gateway or a route."""
        found = self.current_conditions(name, kind).get(condition)
        return found["reason"] if found else None

    def wait_ready(self, name: str, kind: str = "AiGateway", seconds: float = SECONDS) -> None:
        """Wait until the newest generation of a gateway is ready."""

        def ready() -> bool:
            reasons = {type_: one["reason"] for type_, one in self.current_conditions(name, kind).items()}
            applied = reasons.get(f"{kind}Configured") == "ConfigurationApplied"
            return applied and reasons.get(f"{kind}Ready") == f"{kind}Ready"

        try:
            wait_until(ready, timeout=seconds, what=f"{kind} {name} ready")
        except TimeoutError as error:
            error.add_note(f"its conditions: {self.conditions(name, kind)}")
            raise

    def wait_reason(self, name: str, reason: str, kind: str = "AiGateway", contains: str = "") -> str:
        """Wait until both conditions of a gateway have `reason`, and `contains` is in the message; return that."""
        self._wait_condition(kind, name, f"{kind}Ready", reason, contains)
        return self._wait_condition(kind, name, f"{kind}Configured", reason, contains)

    def wait_route(self, name: str, reason: str, contains: str = "") -> str:
        """Wait until the condition of a route has `reason`, and `contains` is in the message; return that."""
        return self._wait_condition("ToolRoute", name, "Ready", reason, contains)

    def wait_no_conditions(self, kind: str, name: str) -> None:
        """Wait until a gateway or a route has neither conditions nor a URL."""
        wait_until(
            lambda: not self.conditions(name, kind) and not self.url(kind, name),
            timeout=SECONDS,
            what=f"no conditions on {kind} {name}",
        )

    def wait_event(self, name: str, reason: str, contains: str = "") -> dict[str, Any]:
        """Wait for an event with `reason` and `contains` in its note about an object of this name; return it."""
        return wait_until(
            lambda: [event for event in self.notes(name, reason) if contains in event["note"]],
            timeout=SECONDS,
            what=f"event {reason} about {name}",
        )[0]

    def _wait_condition(self, kind: str, name: str, condition: str, reason: str, contains: str) -> str:
        def met() -> dict[str, Any] | None:
            found = self.current_conditions(name, kind).get(condition, {})
            return found if found.get("reason") == reason and contains in found["message"] else None

        try:
            found = wait_until(
                met, timeout=SECONDS, what=f"{condition} of {kind} {name} with reason {reason}"
            )
        except TimeoutError as error:
            error.add_note(f"its conditions: {self.conditions(name, kind)}")
            raise
        message: str = found["message"]
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

    def servers(self, name: str) -> dict[str, Any]:
        """Return the ``mcp_servers`` of a ToolGateway's config; empty where it has no config yet."""
        return _servers(self.config(name))

    def wait_servers(self, name: str, *keys: str) -> dict[str, Any]:
        """Wait until exactly the servers with these keys stand in a ToolGateway's config; return them."""

        def met() -> bool:
            return bool(config := self.config(name)) and sorted(_servers(config)) == sorted(keys)

        wait_until(met, timeout=SECONDS, what=f"exactly the servers {sorted(keys)} in {name}")
        return self.servers(name)

    def hashes(self, name: str) -> dict[str, str]:
        """Return the annotations of a gateway's pod template."""
        template = self.existing("Deployment", name)["spec"]["template"]
        annotations: dict[str, str] = template["metadata"]["annotations"]
        return annotations

    def patch(self, kind: str, name: str, patch: Mapping[str, Any]) -> None:
        """Merge a patch into an object of a kind, as kubectl does."""
        self.lab.api.merge(f"{_PATHS[kind].format(self.name)}/{name}", dict(patch), "kubectl-patch")

    def delete(self, kind: str, *names: str) -> None:
        """Delete objects of a kind, as kubectl does; what they own goes later."""
        for name in names:
            self.lab.api.delete(f"{_PATHS[kind].format(self.name)}/{name}")

    def _collection(self, manifest: Mapping[str, Any]) -> str:
        known = _PATHS.get(manifest["kind"])
        if known:
            return known.format(self.name)
        group, kind = manifest["apiVersion"], manifest["kind"].lower()
        return f"/apis/{group}/namespaces/{self.name}/{kind}s"


def _conditions(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["type"]: one for one in (raw.get("status") or {}).get("conditions") or ()}


def _servers(config: str) -> dict[str, Any]:
    found: dict[str, Any] = (yaml.safe_load(config) or {}).get("mcp_servers") or {}
    return found


@contextlib.contextmanager
def fresh_namespace(lab: ControlPlane, name: str = "") -> Iterator[Namespace]:
    """Give a new namespace to one or several tests, and empty it without waiting until it is empty."""
    name = name or f"test-{secrets.token_hex(4)}"
    lab.api.create(
        "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    )
    try:
        yield Namespace(lab, name)
    finally:
        lab.empty(name)


def elected(place: Namespace) -> tuple[str, ...]:
    """Return the options of a daemon that looks after one namespace, and has its Lease there."""
    return "--namespace", place.name, "--install-namespace", place.name


def alone(*places: Namespace) -> tuple[str, ...]:
    """Return the options of a daemon that looks after these namespaces alone, and has no rival."""
    return "--no-leader-election", *(option for place in places for option in ("--namespace", place.name))


def whole_lines(text: str) -> Iterator[dict[str, Any]]:
    """Yield the log lines that are whole: who was killed may have left one half written, and the next wrote on."""
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            if isinstance(found := json.loads(line), dict):
                yield found


def server_key(namespace: Namespace, route: str) -> str:
    """Return the key in ``mcp_servers`` of a route of a namespace."""
    return f"{namespace.name}__{route}".replace("-", "_")


def running_engine(daemon: Daemon, within: float = SECONDS) -> psutil.Process:
    """Return the engine of a daemon as soon as it applies something; fail after so many seconds."""
    own = psutil.Process(daemon.process.pid)

    def applying() -> psutil.Process | None:
        for child in own.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "up" in child.cmdline():
                    return child
        return None

    return wait_until(applying, timeout=within, what="a running engine")
