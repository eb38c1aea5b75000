"""A control plane: what it offers, several at once, and an outage of its API server."""

import json
import socket
from pathlib import Path

import pytest

from lab import ControlPlane, KubectlError, LabError, wait_until
from lab.components import CONTROLLER_MANAGER
from lab.ports import HOST, free_port
from tests.daemon.harness import Namespace
from tests.lab.processes import processes_of

pytestmark = pytest.mark.lab


def deployment(name: str, replicas: int) -> str:
    labels = {"app": name}
    container = {"name": "main", "image": "example.invalid/image"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return json.dumps(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    )


def allowed(lab: ControlPlane, kubeconfig: Path, *question: str) -> bool:
    """Return the answer of `kubectl auth can-i`, which fails when it is no."""
    try:
        return lab.kubectl(*question, kubeconfig=kubeconfig).strip() == "yes"
    except KubectlError:
        return False


def test_node_is_ready(lab: ControlPlane) -> None:
    assert lab.kubectl("get", "nodes", "--no-headers").split()[:2] == ["node-1", "Ready"]


def test_deployment_turns_available(lab: ControlPlane, lab_namespace: str) -> None:
    lab.kubectl("-n", lab_namespace, "apply", "-f", "-", input=deployment("web", 2))
    lab.kubectl("-n", lab_namespace, "wait", "deployment/web", "--for=condition=Available", "--timeout=120s")


def test_service_gets_endpoints(lab: ControlPlane, lab_namespace: str) -> None:
    lab.kubectl("-n", lab_namespace, "apply", "-f", "-", input=deployment("web", 1))
    lab.kubectl("-n", lab_namespace, "expose", "deployment", "web", "--port=80")
    # A condition of what does not exist yet is refused at once.
    for condition in ("create", "jsonpath={.subsets[0].addresses[0].ip}"):
        lab.kubectl("-n", lab_namespace, "wait", "endpoints/web", f"--for={condition}", "--timeout=120s")


def test_owner_takes_its_objects_along(lab: ControlPlane, lab_namespace: str) -> None:
    lab.kubectl("-n", lab_namespace, "apply", "-f", "-", input=deployment("web", 1))
    lab.kubectl("-n", lab_namespace, "rollout", "status", "deployment/web", "--timeout=120s")
    lab.kubectl("-n", lab_namespace, "delete", "deployment/web")
    wait_until(
        lambda: lab.kubectl("-n", lab_namespace, "get", "replicasets,pods", "-o", "name") == "",
        timeout=60,
        what="replica set and pods removed",
    )


def test_namespace_disappears(lab: ControlPlane) -> None:
    lab.kubectl("create", "namespace", "short")
    lab.kubectl("delete", "namespace", "short", "--timeout=120s")


def test_user_without_rights_is_refused_until_bound(lab: ControlPlane, lab_namespace: str) -> None:
    alice = lab.user_kubeconfig("alice")
    pods = ("-n", lab_namespace, "get", "pods")
    with pytest.raises(KubectlError, match='User "alice" cannot list resource "pods"'):
        lab.kubectl(*pods, kubeconfig=alice)
    lab.kubectl("-n", lab_namespace, "create", "rolebinding", "team", "--clusterrole=view", "--group=team")
    can_list = ("-n", lab_namespace, "auth", "can-i", "list", "pods")
    wait_until(lambda: allowed(lab, alice, *can_list), timeout=60, what="the binding in force")
    assert lab.kubectl(*pods, kubeconfig=alice) == ""
    with pytest.raises(KubectlError, match='User "nobody" cannot list'):
        lab.kubectl(*pods, kubeconfig=lab.user_kubeconfig("nobody"))


def test_unknown_token_is_refused(lab: ControlPlane, tmp_path: Path) -> None:
    forged = tmp_path / "kubeconfig"
    forged.write_text(lab.kubeconfig.read_text().replace(lab.admin_token, "guessed"))
    with pytest.raises(KubectlError, match=r"(?i)unauthorized|logged in"):
        lab.kubectl("get", "pods", kubeconfig=forged)


def test_unknown_user_is_reported(lab: ControlPlane) -> None:
    with pytest.raises(LabError, match="no user 'bob'; there are alice"):
        lab.user_kubeconfig("bob")


def test_service_account_gets_a_token(lab: ControlPlane, lab_namespace: str) -> None:
    lab.kubectl("-n", lab_namespace, "create", "serviceaccount", "robot")
    kubeconfig = lab.service_account_kubeconfig(lab_namespace, "robot")
    answer = lab.kubectl("auth", "whoami", "-o", "json", kubeconfig=kubeconfig)
    username = json.loads(answer)["status"]["userInfo"]["username"]
    assert username == f"system:serviceaccount:{lab_namespace}:robot"
    assert lab.kubectl("-n", lab_namespace, "create", "token", "robot").count(".") == 2


def test_two_are_apart_and_one_that_breaks_leaves_nothing(lab: ControlPlane, tmp_path: Path) -> None:
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    (tmp_path / "crd.yaml").write_text(json.dumps(crd))
    with ControlPlane.start(crds=[tmp_path, tmp_path / "missing"], nodes=2) as other:
        assert other.url != lab.url
        other.kubectl("get", "things")
        other.kubectl("create", "namespace", "only-here")
        assert other.kubectl("get", "nodes", "-o", "name").split() == ["node/node-1", "node/node-2"]
        assert "only-here" not in lab.kubectl("get", "namespaces", "-o", "name")
        assert other.folder.is_dir()
        # psutil completes names that the kernel cuts short.
        next(process for process in processes_of(other) if process.name() == CONTROLLER_MANAGER).kill()
        ended = r"kube-controller-manager ended with code -9\. The end of its log"
        with pytest.raises(LabError, match=ended):
            wait_until(lambda: other.check(), timeout=60, what="the end noticed")  # noqa: PLW0108
    assert not other.folder.exists()
    lab.check()
    with pytest.raises(LabError, match="stopped"):
        other.check()
    other.stop()


def test_outage_of_the_api_server_keeps_address_and_data(breakable_place: Namespace) -> None:
    lab, place = breakable_place.lab, breakable_place
    lab.kubectl("-n", place.name, "apply", "-f", "-", input=deployment("web", 1))
    lab.stop_api_server()
    with pytest.raises(KubectlError, match="refused"):
        place.kubectl("get", "deployments")
    lab.start_api_server()
    place.kubectl("scale", "deployment/web", "--replicas=2")
    place.kubectl("rollout", "status", "deployment/web", "--timeout=90s")


@pytest.mark.soak
def test_invalid_crd_ends_the_start_with_its_message(tmp_path: Path) -> None:
    (tmp_path / "crd.yaml").write_text(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
    )
    with pytest.raises(LabError, match="is invalid"):
        ControlPlane.start(crds=[tmp_path])


@pytest.mark.soak
def test_starts_again_when_another_process_took_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as occupied:
        occupied.bind((HOST, 0))
        occupied.listen()
        taken: int = occupied.getsockname()[1]
        # First the API server's port is taken, then etcd's.
        ports = iter([free_port(), taken, taken, free_port()])
        monkeypatch.setattr("lab.control_plane.free_port", lambda: next(ports, None) or free_port())
        with ControlPlane.start() as lab:
            assert str(taken) not in lab.url
    assert next(ports, None) is None
