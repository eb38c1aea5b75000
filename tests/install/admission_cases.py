"""What the daemon's account tries to write, for `test_admission`."""

from collections.abc import Awaitable, Callable
from typing import Any

from gateway_components.api.meta import API_VERSION
from gateway_components.install.options import NAME, Installation, Manifest
from gateway_components.kube.client import KubeClient
from gateway_components.kube.install_secrets import PASSPHRASE_SECRET
from gateway_components.kube.resources import (
    AI_GATEWAYS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    PODS,
    SECRETS,
    SERVICES,
    Resource,
)
from gateway_components.kube.state_format import PART_LABEL, STATE_SECRET, STATE_TYPE
from gateway_components.kube.transport import Request
from gateway_components.plan.ownership import FIELD_MANAGER
from tests.daemon.harness import Namespace

HOME = Installation("bound-home")
PART = f"{STATE_SECRET}-7-0123456789abcdef"
ROLE_BINDINGS = Resource("RoleBinding", "/apis/rbac.authorization.k8s.io/v1", "rolebindings")
ACCOUNTS = Resource("ServiceAccount", "/api/v1", "serviceaccounts")
CLASSES = Resource("AiGatewayClass", f"/apis/{API_VERSION}", "aigatewayclasses", namespaced=False)
OLD_EVENTS = Resource("Event", "/api/v1", "events")
PORTS = {"ports": [{"port": 80}]}
CONTROLLER = "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"


class Bound:
    """The daemon's account, and a namespace with what is there already."""

    def __init__(self, namespace: Namespace, client: KubeClient, uid: str) -> None:
        self.namespace = namespace.name
        self.client = client
        self.uid = uid

    def owner(self, name: str = "chat", **other: Any) -> list[Manifest]:
        reference = {"apiVersion": API_VERSION, "kind": "AiGateway", "name": name, "uid": self.uid}
        return [{**reference, "controller": True, **other}]

    async def create(self, resource: Resource, name: str, home: str = "", **parts: Any) -> None:
        namespace = home or self.namespace
        metadata = {"name": name, "namespace": namespace, **parts.pop("metadata", {})}
        api = resource.group_path.removeprefix("/apis/").removeprefix("/api/")
        body = {"apiVersion": api, "kind": resource.kind, "metadata": metadata, **parts}
        await self.client.create(resource.collection(namespace), body)

    async def own(self, resource: Resource, name: str, references: list[Manifest], **parts: Any) -> None:
        """Apply an object with these owners, as the engine does."""
        api = resource.group_path.removeprefix("/apis/").removeprefix("/api/")
        metadata = {"name": name, "namespace": self.namespace, "ownerReferences": references}
        body = {"apiVersion": api, "kind": resource.kind, "metadata": metadata, **parts}
        path = resource.item(self.namespace, name)
        await self.client.apply(path, body, manager=FIELD_MANAGER, force=True)

    async def patch(self, resource: Resource, name: str, body: Manifest, home: str = "") -> None:
        await self.client.merge_patch(
            resource.item(home or self.namespace, name), body, manager=FIELD_MANAGER
        )

    async def delete(self, resource: Resource, name: str, home: str = "") -> None:
        path = resource.item(home or self.namespace, name)
        found = await self.client.get(path)
        assert found, f"there is no {name}"
        await self.client.delete(
            path, uid=found["metadata"]["uid"], version=found["metadata"]["resourceVersion"]
        )

    async def send(self, method: str, path: Any, **query: str) -> None:
        await self.client._read(Request(method, path, query), lambda _: {})


Case = Callable[[Bound], Awaitable[object]]


def pods(**spec: Any) -> Manifest:
    labels = {"app": "chat"}
    containers = spec.pop("containers", [{"name": "litellm", "image": "litellm"}])
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}
    return {"selector": {"matchLabels": labels}, "template": template}


def container(capability: str) -> Manifest:
    capabilities = {"add": [capability]}
    return {"name": "more", "image": "x", "securityContext": {"capabilities": capabilities}}


def grown(**spec: Any) -> Manifest:
    """Return what is added to the pods of a Deployment that is there."""
    return {"spec": {"template": {"spec": spec}}}


ALL_RIGHTS: Manifest = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "bound-by-policy-alone"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": HOME.namespace}],
}


def old_event(namespace: str) -> Manifest:
    return {"involvedObject": {"kind": "AiGateway", "namespace": namespace}, "reason": "x", "message": "x"}


def event(controller: str, namespace: str) -> Manifest:
    action = {"type": "Normal", "reason": "Reported", "action": "Report", "note": "x"}
    when = {"eventTime": "2026-01-01T00:00:00.000000Z", "reportingInstance": "x"}
    return {
        **action,
        **when,
        "reportingController": controller,
        "regarding": {"kind": "AiGateway", "namespace": namespace},
    }


def unowned(references: list[Manifest]) -> Manifest:
    return {"metadata": {"ownerReferences": references}}


FORBIDDEN: list[tuple[str, Case]] = [
    ("a Secret of another name", lambda b: b.create(SECRETS, "stolen")),
    (
        "a Secret whose name only begins so",
        lambda b: b.create(SECRETS, f"{STATE_SECRET}-of-mine", type=STATE_TYPE),
    ),
    (
        "a token of another account",
        lambda b: b.create(
            SECRETS,
            STATE_SECRET,
            type="kubernetes.io/service-account-token",
            metadata={"annotations": {"kubernetes.io/service-account.name": "powerful"}},
        ),
    ),
    ("a Secret of somebody else", lambda b: b.patch(SECRETS, "keys", {"data": {"a": "eA=="}})),
    ("the end of a Secret of somebody else", lambda b: b.delete(SECRETS, "keys")),
    ("the end of what only has the name of a part", lambda b: b.delete(SECRETS, PART)),
    ("the end of all Secrets at once", lambda b: b.send("DELETE", SECRETS.collection(b.namespace))),
    ("a passphrase in a tenant's namespace", lambda b: b.create(SECRETS, PASSPHRASE_SECRET)),
    ("the end of the passphrase", lambda b: b.delete(SECRETS, PASSPHRASE_SECRET, HOME.namespace)),
    ("a Secret beside the passphrase", lambda b: b.create(SECRETS, "other", HOME.namespace)),
    ("a ConfigMap that nobody controls", lambda b: b.create(CONFIG_MAPS, "chat-config-2")),
    ("a ConfigMap of a gateway of another name", lambda b: b.own(CONFIG_MAPS, "tools-config", b.owner())),
    ("a ConfigMap named after a Deployment", lambda b: b.own(CONFIG_MAPS, "chat", b.owner())),
    ("an owner of another kind", lambda b: b.own(SERVICES, "x", b.owner("x", kind="ToolRoute"), spec=PORTS)),
    (
        "an owner of another API group",
        lambda b: b.own(SERVICES, "x", b.owner("x", apiVersion="example.com/v1"), spec=PORTS),
    ),
    (
        "an owner that does not control",
        lambda b: b.own(SERVICES, "x", b.owner("x", controller=False), spec=PORTS),
    ),
    ("a ConfigMap of somebody else", lambda b: b.patch(CONFIG_MAPS, "theirs", {"data": {"a": "b"}})),
    ("a ConfigMap taken over", lambda b: b.own(CONFIG_MAPS, "theirs-config", b.owner("theirs"))),
    (
        "a ConfigMap handed to somebody else",
        lambda b: b.patch(CONFIG_MAPS, "chat-config", {"metadata": {"ownerReferences": b.owner("other")}}),
    ),
    ("the end of an object of a gateway", lambda b: b.delete(DEPLOYMENTS, "chat")),
    (
        "pods with another account",
        lambda b: b.own(DEPLOYMENTS, "new", b.owner("new"), spec=pods(serviceAccountName="powerful")),
    ),
    (
        "pods with a folder of the node",
        lambda b: b.own(
            DEPLOYMENTS,
            "new",
            b.owner("new"),
            spec=pods(volumes=[{"name": "root", "hostPath": {"path": "/"}}]),
        ),
    ),
    (
        "privileged pods",
        lambda b: b.own(
            DEPLOYMENTS,
            "new",
            b.owner("new"),
            spec=pods(containers=[{"name": "x", "image": "x", "securityContext": {"privileged": True}}]),
        ),
    ),
    (
        "pods with a capability",
        lambda b: b.own(DEPLOYMENTS, "new", b.owner("new"), spec=pods(containers=[container("SYS_ADMIN")])),
    ),
    (
        "pods that begin with a capability",
        lambda b: b.patch(DEPLOYMENTS, "chat", grown(initContainers=[container("SYS_ADMIN")])),
    ),
    (
        "pods with all of /proc",
        lambda b: b.own(
            DEPLOYMENTS,
            "new",
            b.owner("new"),
            spec=pods(
                hostUsers=False,
                containers=[{"name": "x", "image": "x", "securityContext": {"procMount": "Unmasked"}}],
            ),
        ),
    ),
    (
        "pods with a port of the node",
        lambda b: b.own(
            DEPLOYMENTS,
            "new",
            b.owner("new"),
            spec=pods(
                containers=[
                    {"name": "x", "image": "x", "ports": [{"containerPort": 10250, "hostPort": 10250}]}
                ]
            ),
        ),
    ),
    (
        "pods with a device of the network",
        lambda b: b.own(
            DEPLOYMENTS,
            "new",
            b.owner("new"),
            spec=pods(volumes=[{"name": "x", "csi": {"driver": "local.example"}}]),
        ),
    ),
    (
        "pods with another account by its former name",
        lambda b: b.patch(DEPLOYMENTS, "chat", grown(serviceAccount="powerful")),
    ),
    (
        "a Secret whose name is made up later",
        lambda b: b.client.create(
            SECRETS.collection(b.namespace),
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"generateName": f"{STATE_SECRET}-"}},
        ),
    ),
    (
        "a label that makes a part of the Secret of somebody else",
        lambda b: b.patch(SECRETS, "keys", {"metadata": {"labels": {PART_LABEL: "true"}}}),
    ),
    (
        "the status of a Deployment",
        lambda b: b.client.merge_patch(
            DEPLOYMENTS.item(b.namespace, "chat", "status"), {"status": {"replicas": 1}}
        ),
    ),
    (
        "the status of a class",
        lambda b: b.client.merge_patch(
            CLASSES.item(None, "litellm", "status"), {"status": {"conditions": []}}
        ),
    ),
    (
        "the end of all Secrets with its label at once",
        lambda b: b.send(
            "DELETE", SECRETS.collection(HOME.namespace), fieldSelector=f"metadata.name={PASSPHRASE_SECRET}"
        ),
    ),
    ("the end of all ConfigMaps at once", lambda b: b.send("DELETE", CONFIG_MAPS.collection(b.namespace))),
    ("a command in a pod", lambda b: b.send("POST", PODS.item(b.namespace, "x", "exec"), command="id")),
    ("an event of the old kind", lambda b: b.create(OLD_EVENTS, "x", **old_event(b.namespace))),
    (
        "a Service with an address of somebody else",
        lambda b: b.own(SERVICES, "new", b.owner("new"), spec={**PORTS, "externalIPs": ["192.0.2.1"]}),
    ),
    (
        "an address of somebody else for a Service that is there",
        lambda b: b.patch(SERVICES, "chat", {"spec": {"externalIPs": ["192.0.2.1"]}}),
    ),
    (
        "a Service that leads elsewhere by name",
        lambda b: b.own(
            SERVICES,
            "new",
            b.owner("new"),
            spec={**PORTS, "type": "ExternalName", "externalName": "evil.example"},
        ),
    ),
    ("a port of all nodes", lambda b: b.patch(SERVICES, "chat", {"spec": {"type": "NodePort"}})),
    ("pods in the node's network", lambda b: b.patch(DEPLOYMENTS, "chat", grown(hostNetwork=True))),
    (
        "another account for pods that are there",
        lambda b: b.patch(DEPLOYMENTS, "chat", grown(serviceAccountName="powerful")),
    ),
    (
        "replicas by the subresource",
        lambda b: b.client.merge_patch(
            DEPLOYMENTS.item(b.namespace, "chat", "scale"), {"spec": {"replicas": 0}}
        ),
    ),
    ("a pod", lambda b: b.create(PODS, "x", spec={"containers": [{"name": "x", "image": "x"}]})),
    (
        "a role",
        lambda b: b.create(
            ROLE_BINDINGS, "x", roleRef={**ALL_RIGHTS["roleRef"]}, subjects=ALL_RIGHTS["subjects"]
        ),
    ),
    (
        "a token by request",
        lambda b: b.client.ask(
            ACCOUNTS.item(b.namespace, "powerful", "token"),
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        ),
    ),
    (
        "a label of a namespace",
        lambda b: b.client.merge_patch(
            NAMESPACES.item(None, b.namespace), {"metadata": {"labels": {"a": "b"}}}
        ),
    ),
    ("the spec of a gateway", lambda b: b.patch(AI_GATEWAYS, "chat", {"spec": {"port": 81}})),
    ("the end of a gateway", lambda b: b.delete(AI_GATEWAYS, "chat")),
    (
        "an event of another controller",
        lambda b: b.create(EVENTS, "x", **event("example.com/other", b.namespace)),
    ),
    ("a Lease in a tenant's namespace", lambda b: b.create(LEASES, NAME, spec={})),
    ("a Lease of another name", lambda b: b.create(LEASES, "other", HOME.namespace, spec={})),
]
"""What a daemon that was taken over may try."""


ALLOWED: list[tuple[str, Case]] = [
    ("an object again", lambda b: b.own(CONFIG_MAPS, "chat-config", b.owner(), data={"a": "b"})),
    (
        "the status of a gateway",
        lambda b: b.client.merge_patch(
            AI_GATEWAYS.item(b.namespace, "chat", "status"), {"status": {"conditions": []}}
        ),
    ),
    ("an event of its own", lambda b: b.create(EVENTS, "own", **event(CONTROLLER, b.namespace))),
    ("its Lease", lambda b: b.create(LEASES, NAME, HOME.namespace, spec={})),
    (
        "an object of an earlier gateway of the name",
        lambda b: b.own(
            SERVICES,
            "chat",
            b.owner(uid="00000000-0000-0000-0000-000000000000"),
            spec=PORTS,
        ),
    ),
]
