"""A tenant with full rights in one namespace writes all that could end or stall the daemon; another's edits go on."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest

from gateway_components.kube.resources import CONFIG_MAPS, DEPLOYMENTS
from lab import ControlPlane
from lab.api import Api
from lab.errors import ApiError
from tests.daemon.harness import PATCH_ANNOTATION, Daemon, Namespace, fresh_namespace
from tests.daemon.manifests import gateway, tool_gateway, tool_route
from tests.daemon.test_hostile_objects import config_map, create, deep, deployment, with_fields

RBAC = "rbac.authorization.k8s.io/v1"
ALIASES = (
    "model_list: [&x {model_name: a, " + ", ".join(f"k{n}: 1" for n in range(90)) + "}" + ",*x" * 1_080 + "]"
)
UNKNOWN = "general_settings:\n" + "".join(f" k{n:05}: 1\n" for n in range(60_000))


@dataclass
class BoundLab:
    """A control plane as a service account sees it."""

    lab: ControlPlane
    api: Api
    kubeconfig: Path

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002
        return self.lab.kubectl(*arguments, input=input, kubeconfig=self.kubeconfig)


@pytest.fixture
def tenant(lab: ControlPlane) -> Iterator[Namespace]:
    """A namespace as one sees it who may do everything in it, and nothing elsewhere."""
    with fresh_namespace(lab, f"tenant-{secrets.token_hex(4)}") as place:
        rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
        subject = {"kind": "ServiceAccount", "name": "tenant", "namespace": place.name}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"}
        names = {"metadata": {"name": "tenant"}}
        accounts = f"/api/v1/namespaces/{place.name}/serviceaccounts"
        lab.api.create(accounts, {"apiVersion": "v1", "kind": "ServiceAccount", **names})
        rights = f"/apis/{RBAC}/namespaces/{place.name}"
        lab.api.create(f"{rights}/roles", {"apiVersion": RBAC, "kind": "Role", **names, "rules": rules})
        binding = {"apiVersion": RBAC, "kind": "RoleBinding", **names, "roleRef": role, "subjects": [subject]}
        lab.api.create(f"{rights}/rolebindings", binding)
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = lab.api.create(f"{accounts}/tenant/token", asked)["status"]["token"]
        api = Api(urlsplit(lab.url).port or 0, token, lab.certificate)
        bound = BoundLab(lab, api, lab.service_account_kubeconfig(place.name, "tenant"))
        # Of a lab it asks for these alone.
        yield Namespace(cast("ControlPlane", bound), place.name)


def patch_of(name: str, text: str) -> dict[str, object]:
    return {**config_map(name), "data": {"patch.yaml": text}}


def test_edits_of_others_converge_whatever_a_tenant_writes(
    tenant: Namespace, namespace: Namespace, daemon: Daemon
) -> None:
    namespace.apply(gateway("neighbour"))
    namespace.wait_ready("neighbour")
    with pytest.raises(ApiError):
        tenant.lab.api.get(f"/api/v1/namespaces/{namespace.name}/configmaps")

    forged = json.dumps({f"f:key{n}": {} for n in range(30_000)})
    create(tenant, CONFIG_MAPS, with_fields(config_map("deep"), "anybody", deep(9_900)))
    create(
        tenant, CONFIG_MAPS, with_fields(config_map("deep-value"), "x", json.dumps({f"v:{'[' * 3000}": {}}))
    )
    create(tenant, CONFIG_MAPS, with_fields(config_map("forged"), "litellm-gateways", forged))
    create(tenant, DEPLOYMENTS, json.dumps(deployment("large", "<" * 800_000)))
    tenant.apply(patch_of("aliases", ALIASES), patch_of("unknown", UNKNOWN))
    large = [{"name": f"V{n}", "value": "x" * 40} for n in range(9_000)]
    tenant.apply(
        *(gateway(f"aliases-{n}", annotations={PATCH_ANNOTATION: "aliases"}) for n in range(25)),
        gateway("unknown", annotations={PATCH_ANNOTATION: "unknown"}),
        gateway("wide", env=large, aiGatewayClassName="nobody"),
        tool_gateway("tools"),
        *(tool_route(f"elsewhere-{n}", f"nowhere-{n}/tools") for n in range(30)),
        *(tool_route(f"circle-{n}", "tools", url="http://tools/mcp") for n in range(30)),
    )

    namespace.apply(gateway("neighbour", "edited"))
    namespace.wait_config("neighbour", "openai/edited")
    namespace.wait_ready("neighbour")

    message = tenant.wait_reason("aliases-24", "ConfigPatchInvalid", contains="use fewer aliases")
    assert "field metadata.annotations" in message
    tenant.wait_route("elsewhere-29", "GatewayNotFound")
    tenant.wait_route("circle-29", "UpstreamUnresolved", contains="loops back to this route")
    assert daemon.process.poll() is None
    assert "Traceback" not in daemon.text()
    assert not daemon.events("internal error")
