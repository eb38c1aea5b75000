"""What the API server lets the daemon's account write, whatever its roles say: here it may do everything by them."""

import json
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway_components.errors import BOUND
from gateway_components.install import manifests
from gateway_components.install.admission import admission_policy
from gateway_components.install.options import NAME
from gateway_components.install.rbac import service_account
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.install_secrets import PASSPHRASE_SECRET, install_passphrase
from gateway_components.kube.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    SERVICES,
)
from gateway_components.kube.state_format import PART_LABEL
from gateway_components.kube.state_secrets import StateSecrets
from lab import ControlPlane, KubectlError, wait_until
from tests.daemon.harness import Namespace, fresh_namespace
from tests.daemon.manifests import gateway
from tests.install.admission_cases import (
    ALL_RIGHTS,
    ALLOWED,
    FORBIDDEN,
    HOME,
    PART,
    PORTS,
    Bound,
    Case,
    container,
    grown,
    pods,
)
from tests.kube.hooked import leading


@pytest.fixture(scope="module")
def account(idle_lab: ControlPlane) -> Iterator[Path]:
    """Credentials of the daemon's account, which may do everything, and is bound by the policy.

    No other daemon is there: one would take states of these tests for lost ones.
    """
    made = [manifests.namespace(HOME), service_account(HOME), *admission_policy(HOME), ALL_RIGHTS]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    idle_lab.kubectl("apply", "--server-side", "-f", "-", input=listed)
    idle_lab.kubectl("create", "secret", "generic", PASSPHRASE_SECRET, "-n", HOME.namespace)
    kubeconfig = idle_lab.service_account_kubeconfig(HOME.namespace, NAME)

    def answer() -> str:
        try:
            return idle_lab.kubectl(
                *("create", "secret", "generic", "x", "-n", HOME.namespace, "--dry-run=server"),
                kubeconfig=kubeconfig,
            )
        except KubectlError as error:
            return str(error)

    wait_until(lambda: BOUND in answer(), timeout=60, what="the policy in force")
    yield kubeconfig
    idle_lab.kubectl("delete", "--wait=false", "-f", "-", input=listed)


@pytest.fixture(scope="module")
def tenant(idle_lab: ControlPlane, account: Path) -> Iterator[Namespace]:
    """A namespace with a gateway of nobody, its objects, and objects of others."""
    with fresh_namespace(idle_lab) as namespace:
        alone = gateway("chat")
        alone["spec"]["aiGatewayClassName"] = "nobodys"
        namespace.apply(alone)
        namespace.kubectl("create", "secret", "generic", "keys")
        namespace.kubectl("create", "secret", "generic", PART)
        namespace.kubectl("create", "configmap", "theirs")
        namespace.kubectl("create", "configmap", "theirs-config")
        namespace.kubectl("create", "serviceaccount", "powerful")
        yield namespace


@pytest.fixture
async def bound(account: Path, tenant: Namespace) -> AsyncIterator[Bound]:
    async with await KubeClient.connect(account) as client:
        uid = tenant.existing("AiGateway", "chat")["metadata"]["uid"]
        found = Bound(tenant, client, uid)
        await found.own(CONFIG_MAPS, "chat-config", found.owner())
        await found.own(DEPLOYMENTS, "chat", found.owner(), spec=pods())
        await found.own(SERVICES, "chat", found.owner(), spec=PORTS)
        yield found


@pytest.mark.parametrize("case", [case for _, case in FORBIDDEN], ids=[what for what, _ in FORBIDDEN])
async def test_a_daemon_that_was_taken_over_writes_nothing_else(bound: Bound, case: Case) -> None:
    with pytest.raises(ApiError, match=BOUND) as refused:
        await case(bound)
    assert refused.value.status == 403


@pytest.mark.parametrize("case", [case for _, case in ALLOWED], ids=[what for what, _ in ALLOWED])
async def test_the_daemon_writes_what_it_has_to(bound: Bound, case: Case) -> None:
    await case(bound)


async def test_an_object_that_lost_its_owner_gets_it_back(bound: Bound, tenant: Namespace) -> None:
    tenant.kubectl(
        "patch", "service", "chat", "--type=merge", "--patch", '{"metadata":{"ownerReferences":null}}'
    )
    await bound.own(SERVICES, "chat", bound.owner(), spec={"ports": [{"port": 81}]})
    (owner,) = tenant.existing("Service", "chat")["metadata"]["ownerReferences"]
    assert owner["name"] == "chat"


async def test_pods_keep_what_somebody_else_gave_them(bound: Bound, tenant: Namespace) -> None:
    sidecar = {**container("NET_ADMIN"), "ports": [{"containerPort": 9000, "hostPort": 9000}]}
    volume = {"name": "far", "nfs": {"server": "files", "path": "/"}}
    own = {"name": "litellm", "image": "litellm"}
    given = grown(
        serviceAccountName="powerful", hostNetwork=True, containers=[own, sidecar], volumes=[volume]
    )
    tenant.kubectl("patch", "deployment", "chat", "--type=merge", "--patch", json.dumps(given))
    # In the node's network, each port of a container is one of the node.
    changed = pods(containers=[{**own, "ports": [{"containerPort": 8080}]}])
    await bound.own(DEPLOYMENTS, "chat", bound.owner(), spec={**changed, "replicas": 1})
    pod = tenant.existing("Deployment", "chat")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "powerful"


async def test_a_service_keeps_the_way_in_from_outside(bound: Bound, tenant: Namespace) -> None:
    given = {"spec": {"type": "NodePort", "externalIPs": ["192.0.2.1"]}}
    tenant.kubectl("patch", "service", "chat", "--type=merge", "--patch", json.dumps(given))
    await bound.own(SERVICES, "chat", bound.owner(), spec={"ports": [{"port": 82}]})
    spec = tenant.existing("Service", "chat")["spec"]
    assert (spec["type"], spec["externalIPs"], spec["ports"][0]["port"]) == ("NodePort", ["192.0.2.1"], 82)
    taken = {"spec": {"type": None, "externalIPs": None}}
    tenant.kubectl("patch", "service", "chat", "--type=merge", "--patch", json.dumps(taken))


async def test_a_state_with_several_parts_comes_and_goes(bound: Bound, tenant: Namespace) -> None:
    states = StateSecrets(leading(bound.client), 2000, key="a passphrase")
    large = random.Random(3).randbytes(5000)
    version = await states.save(bound.namespace, large, None)
    version = await states.save(bound.namespace, large[:4000], version)
    version = await states.intend(bound.namespace, ["AiGateway x/chat"], version)
    stored = await states.load(bound.namespace)
    assert stored
    assert stored.checkpoint == large[:4000]
    await states.remove(bound.namespace, stored.version)
    left = tenant.kubectl("get", "secrets", "-o", "name", "-l", PART_LABEL)
    assert left == ""


async def test_a_passphrase_that_was_emptied_is_recreated(bound: Bound) -> None:
    assert await install_passphrase(bound.client, HOME.namespace)


@pytest.mark.usefixtures("account")
def test_an_account_of_that_name_elsewhere_is_not_bound(lab: ControlPlane, tenant: Namespace) -> None:
    tenant.kubectl("create", "serviceaccount", NAME)
    tenant.kubectl(
        "create", "rolebinding", "x", "--clusterrole=edit", f"--serviceaccount={tenant.name}:{NAME}"
    )
    kubeconfig = lab.service_account_kubeconfig(tenant.name, NAME)
    lab.kubectl("create", "configmap", "x", "-n", tenant.name, kubeconfig=kubeconfig)
