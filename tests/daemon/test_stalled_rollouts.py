"""Pods that do not come: why is said by the real admission, the real scheduler, and as a kubelet would."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway_components.cli.main import main
from lab import wait_until
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Daemon, Namespace
from tests.daemon.kubelet import Kubelet
from tests.daemon.manifests import config_map, gateway
from tests.daemon.pods import gateway_proxy
from tests.litellm_proxy.harness import ProxyError

OUTPUT = "sk-in-the-output"


def wait_for_message(namespace: Namespace, *texts: str) -> str:
    """Wait until the condition of the gateway says all `texts` of a rollout that goes on; return what it says."""

    def message_with_all() -> str:
        ready = namespace.conditions("chat").get("AiGatewayReady", {})
        message: str = ready.get("message", "") if ready.get("reason") == "DeploymentRollingOut" else ""
        return message if all(text in message for text in texts) else ""

    return wait_until(message_with_all, timeout=SECONDS, what=f"a condition that says {texts}")


@pytest.fixture
def status(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Return what ``gatewayctl status`` prints; it runs in this process, for a start takes longer."""

    def printed(*options: str) -> str:
        monkeypatch.setenv("KUBECONFIG", str(namespace.lab.kubeconfig))
        monkeypatch.setenv("COLUMNS", "2000")
        monkeypatch.setattr(sys, "argv", ["gatewayctl", "status", "-n", namespace.name, *options])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    return printed


def restrict(namespace: Namespace) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    namespace.kubectl("label", "namespace", namespace.name, level)


def forbid(namespace: Namespace) -> None:
    hard = {"pods": "0"}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": hard},
    }
    namespace.lab.api.create(f"/api/v1/namespaces/{namespace.name}/resourcequotas", quota)
    # The controller that would do this has no part in the lab.
    used = json.dumps({"status": {"hard": hard, "used": {"pods": "0"}}})
    namespace.kubectl("patch", "resourcequota", "none", "--subresource=status", "--type=merge", "-p", used)


DATABASE = [{"name": "DATABASE_URL", "value": "postgresql://database/litellm"}]
"""Makes LiteLLM need root, which is what Pod Security refuses."""

REFUSALS = (
    ("pod security", restrict, 'violates PodSecurity "restricted:latest": runAsNonRoot != true'),
    ("quota", forbid, "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0"),
)


@pytest.mark.parametrize(("what", "refuse", "words"), REFUSALS, ids=[case[0] for case in REFUSALS])
def test_pods_that_are_refused_are_reported(
    namespace: Namespace, status: Callable[..., str], what: str, refuse: Any, words: str
) -> None:
    refuse(namespace)
    namespace.apply(gateway("chat", env=DATABASE))

    message = wait_for_message(namespace, "0 of 1 replicas updated", "FailedCreate: pods", words)
    namespace.wait_event("chat", "RolloutStalled", words)
    assert words in status("-o", "wide"), what
    assert len(message) < 2000


def test_a_configuration_litellm_refuses_is_reported(namespace: Namespace, tmp_path: Path) -> None:
    patch = "mcp_servers: {a-b: {url: 'http://example.com/mcp'}}"
    namespace.apply(
        config_map("wrong", patch_yaml=patch), gateway("chat", annotations={PATCH_ANNOTATION: "wrong"})
    )
    namespace.wait_ready("chat")
    with pytest.raises(ProxyError) as failed, gateway_proxy(namespace, "chat", tmp_path / "container"):
        pass
    ended = re.search(r"exited with status (\d+)", str(failed.value))
    assert ended, "the real proxy starts with it now"

    kubelet = Kubelet(namespace, "chat")
    crashing = {
        "name": "litellm",
        "ready": False,
        "restartCount": 1,
        "image": "litellm",
        "imageID": "",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": int(ended[1])}},
    }
    kubelet.report(kubelet.bind(), {"phase": "Running", "containerStatuses": [crashing]})

    wait_for_message(namespace, f"container litellm: CrashLoopBackOff (last Error, exit code {ended[1]})")
    namespace.wait_event("chat", "RolloutStalled", "CrashLoopBackOff")


def test_pods_that_do_not_come_are_reported(
    namespace: Namespace, daemon: Daemon, status: Callable[..., str]
) -> None:
    namespace.apply(gateway("chat"))
    namespace.wait_ready("chat")
    kubelet = Kubelet(namespace, "chat")

    wait_for_message(namespace, "1 old ones still running", "Unschedulable: 0/1 nodes are available")
    namespace.wait_event("chat", "RolloutStalled", "Unschedulable")
    assert namespace.reason("chat") == "ConfigurationApplied"

    crash = {"reason": "OOMKilled", "exitCode": 137, "message": OUTPUT}
    crashing = {
        "name": "litellm",
        "ready": False,
        "restartCount": 4,
        "image": "litellm",
        "imageID": "",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": OUTPUT}},
        "lastState": {"terminated": crash},
    }
    pulling = {
        "name": "proxy",
        "ready": False,
        "restartCount": 0,
        "image": "example.com/proxy:2",
        "imageID": "",
        "state": {"waiting": {"reason": "ErrImagePull", "message": OUTPUT}},
    }
    kubelet.report(
        kubelet.bind(),
        {"phase": "Pending", "containerStatuses": [crashing], "initContainerStatuses": [pulling]},
    )
    message = wait_for_message(
        namespace,
        "container litellm: CrashLoopBackOff (last OOMKilled, exit code 137)",
        "init container proxy: ImagePullBackOff: image example.com/proxy:2",
    )
    assert "Unschedulable" not in message
    namespace.wait_event("chat", "RolloutStalled", "OOMKilled")
    shown = json.dumps([namespace.existing("AiGateway", "chat"), namespace.list("Event")])
    assert OUTPUT not in shown + daemon.text() + status("-o", "json")

    kubelet.leave()
    namespace.wait_ready("chat")
