"""What is in deploy/ and the overlays, built and applied as a user does, and the daemon run as it says there."""

import json
import shutil
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_components.errors import BOUND
from gateway_components.install.__main__ import one_file
from gateway_components.install.options import NAME, NAMESPACE, Installation
from lab import ControlPlane, KubectlError, wait_until
from tests.daemon.harness import SECONDS, Namespace
from tests.daemon.manifests import gateway, tool_gateway
from tests.install.pod import Pod, container
from tests.install.sandbox import SandboxedPod, why_not
from tests.pulumi_cli import ROOT

OVERLAYS = ROOT / "examples" / "overlays"


def build(lab: ControlPlane, folder: Path) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all(lab.kubectl("kustomize", str(folder))) if found]


def apply(lab: ControlPlane, *what: str) -> None:
    lab.kubectl("apply", "--server-side", "--force-conflicts", *what)


def healthy(lab: ControlPlane, pod: Pod) -> bool:
    """Tell whether the daemon says yes to every probe of its container."""
    found = [probe["httpGet"] for name, probe in container(lab, NAMESPACE).items() if name.endswith("Probe")]
    return len(found) == 3 and all(_answers(f"http://127.0.0.1:{pod.port}{probe['path']}") for probe in found)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url):  # noqa: S310  (a URL of our own)
            return True
    except OSError:
        return False


def unclassed(manifest: dict[str, Any]) -> dict[str, Any]:
    spec = {key: part for key, part in manifest["spec"].items() if not key.endswith("GatewayClassName")}
    return {**manifest, "spec": spec}


def make_namespace(lab: ControlPlane, name: str) -> Namespace:
    lab.kubectl("create", "namespace", name)
    return Namespace(lab, name)


def test_install_yaml_installs_a_daemon_that_serves_gateways(bare_lab: ControlPlane, tmp_path: Path) -> None:
    apply(bare_lab, "-f", str(ROOT / "deploy" / "crds"))
    apply(bare_lab, "-f", str(ROOT / "deploy" / "install.yaml"))
    namespace = make_namespace(bare_lab, "plain")
    kind = Pod if why_not() else SandboxedPod
    with kind(bare_lab, tmp_path / "pod", NAMESPACE) as pod:
        pod.wait_for("watching")
        namespace.apply(gateway("chat"), tool_gateway("tools"), unclassed(gateway("nobodys")))
        namespace.wait_ready("chat")
        namespace.wait_ready("tools", "ToolGateway")
        with Pod(bare_lab, tmp_path / "standby", NAMESPACE) as standby:
            # One that were not ready would hold up every rollout.
            for daemon in (pod, standby):
                wait_until(partial(healthy, bare_lab, daemon), timeout=SECONDS, what="a yes to every probe")
        assert pod.stop() == 0
    assert "status" not in namespace.existing("AiGateway", "nobodys"), "the classes are not the default"


def test_the_kustomization_equals_install_yaml(bare_lab: ControlPlane) -> None:
    one = list(yaml.safe_load_all((ROOT / "deploy" / "install.yaml").read_text()))
    built = build(bare_lab, ROOT / "deploy")
    assert sorted(map(as_text, built)) == sorted(map(as_text, one))


def test_the_default_class_overlay_claims_unclassed_gateways(bare_lab: ControlPlane, tmp_path: Path) -> None:
    apply(bare_lab, "-k", str(OVERLAYS / "default-class"))
    namespace = make_namespace(bare_lab, "defaulted")
    with Pod(bare_lab, tmp_path / "pod", NAMESPACE) as pod:
        pod.wait_for("watching")
        namespace.apply(unclassed(gateway("chat")), unclassed(tool_gateway("tools")))
        namespace.wait_ready("chat")
        namespace.wait_ready("tools", "ToolGateway")


def test_the_namespaces_overlay_gives_no_right_elsewhere(bare_lab: ControlPlane, tmp_path: Path) -> None:
    chosen, also, other = (make_namespace(bare_lab, name) for name in ("team-a", "team-b", "team-c"))
    apply(bare_lab, "-k", str(OVERLAYS / "namespaces"))
    with Pod(bare_lab, tmp_path / "pod", NAMESPACE) as pod:
        pod.wait_for("watching")
        for namespace in (other, chosen, also):
            namespace.apply(gateway("chat"))
        chosen.wait_ready("chat")
        also.wait_ready("chat")
        with pytest.raises(KubectlError, match="cannot list resource"):
            bare_lab.kubectl("get", "secrets", "-n", "team-c", kubeconfig=pod.kubeconfig)
    assert "status" not in other.existing("AiGateway", "chat")


DOCUMENTED = """\
# kustomization.yaml
resources:
  - https://github.com/agentic-layer/ai-gateway-litellm-operator/releases/latest/download/install.yaml
patches:
  - patch: |-
      apiVersion: runtime.agentic-layer.ai/v1alpha1
      kind: AiGatewayClass
      metadata:
        name: litellm
        annotations:
          aigatewayclass.kubernetes.io/is-default-class: "true"
  - patch: |-
      apiVersion: runtime.agentic-layer.ai/v1alpha1
      kind: ToolGatewayClass
      metadata:
        name: litellm
        annotations:
          toolgatewayclass.kubernetes.io/is-default-class: "true"
"""
"""Of the operator reference, word for word."""


def test_the_reference_kustomization_takes_install_yaml(bare_lab: ControlPlane, tmp_path: Path) -> None:
    (url,) = (line for line in DOCUMENTED.splitlines() if "https://" in line)
    (tmp_path / "kustomization.yaml").write_text(DOCUMENTED.replace(url, "  - install.yaml"))
    shutil.copy(ROOT / "deploy" / "install.yaml", tmp_path)
    wanted = list(yaml.safe_load_all(one_file(Installation(default_class=True))))
    assert sorted(map(as_text, build(bare_lab, tmp_path))) == sorted(map(as_text, wanted))


OVERLAID = [
    ("default-class", Installation(default_class=True)),
    ("without-crds", Installation(crds=False)),
    ("metrics-auth", Installation(metrics_auth=True)),
]


@pytest.mark.parametrize(("overlay", "installation"), OVERLAID, ids=[case[0] for case in OVERLAID])
def test_an_overlay_is_the_installation_with_that_choice(
    bare_lab: ControlPlane, overlay: str, installation: Installation
) -> None:
    wanted = list(yaml.safe_load_all(one_file(installation)))
    assert sorted(map(as_text, build(bare_lab, OVERLAYS / overlay))) == sorted(map(as_text, wanted))


def test_the_policy_follows_into_another_namespace(bare_lab: ControlPlane) -> None:
    apply(bare_lab, "-k", str(OVERLAYS / "other-namespace"))
    kubeconfig = bare_lab.service_account_kubeconfig("platform-gateways", NAME)

    def answer() -> str:
        dry = ("create", "secret", "generic", "x", "-n", "platform-gateways", "--dry-run=server")
        try:
            return bare_lab.kubectl(*dry, kubeconfig=kubeconfig)
        except KubectlError as error:
            return str(error)

    wait_until(lambda: BOUND in answer(), timeout=SECONDS, what="the policy in force")


def as_text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, sort_keys=True)
