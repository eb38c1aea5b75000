"""`pulumi up` over objects that a daemon let go of, or that `kubectl` made."""

import json

import yaml

from lab import ControlPlane
from tests.daemon.harness import Daemon, Namespace
from tests.daemon.manifests import gateway
from tests.gatewayctl import gatewayctl
from tests.pulumi_cli import PulumiProject
from tests.stack.cluster import get
from tests.stack.states import comparable, exported
from tests.stack.texts import GROUP, ROUTES, TOOL_SERVER, tool_gateway

MANIFESTS = f"""\
apiVersion: {GROUP}
kind: AiGateway
metadata: {{name: chat}}
spec:
  aiGatewayClassName: litellm
  aiModels: [{{name: gpt-4o, provider: openai}}]
  commonMetadata: {{labels: {{team: a}}, annotations: {{seen: "yes"}}}}
---
{tool_gateway("tools")}---
{TOOL_SERVER}---
{ROUTES}"""

FORCE = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}


def uids(lab: ControlPlane, namespace: str) -> dict[str, str]:
    found = get(lab, namespace, "configmaps,deployments,services", "-l", "app in (chat,tools)")["items"]
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in found}


def test_what_a_daemon_let_go_of_is_taken_over_with_the_same_state(
    cluster_project: PulumiProject, lab: ControlPlane, lab_namespace: str, daemon: Daemon
) -> None:
    stack, place = cluster_project, Namespace(lab, lab_namespace)
    file = stack.folder / "manifests" / "all.yaml"
    file.write_text(MANIFESTS)
    place.kubectl("apply", "-f", str(file))
    place.wait_ready("tools", "ToolGateway")
    place.wait_ready("chat")
    for route in ("files", "weather"):
        place.wait_route(route, "Reconciled")
    made = uids(lab, lab_namespace)
    assert len(made) == 6
    by_daemon = comparable(exported(lab, lab_namespace), lab_namespace)
    for kind, name in (("AiGateway", "chat"), ("ToolGateway", "tools")):
        place.patch(kind, name, {"spec": {f"{kind[0].lower()}{kind[1:]}ClassName": "somebody-elses"}})
        place.wait_no_conditions(kind, name)

    stack.up("--skip-preview")
    assert uids(lab, lab_namespace) == made
    by_stack = comparable(stack.resources().values(), lab_namespace)
    kinds = sorted(key.partition("::")[0].rpartition(":")[2] for key in by_stack)
    twice = ["ConfigMap", "Deployment", "Service", "ToolRoute"]
    assert kinds == sorted(["AiGateway", "ToolGateway", *twice, *twice])
    assert by_stack == by_daemon

    place.kubectl("delete", "aigateways,toolgateways,toolroutes", "--all", "--cascade=orphan")
    stack.up("--skip-preview", "--expect-no-changes")
    assert uids(lab, lab_namespace) == made
    stack.run("destroy", "--yes", "--skip-preview")
    assert uids(lab, lab_namespace) == {}


def test_objects_of_kubectl_are_taken_over_if_equal_or_wanted(
    cluster_project: PulumiProject, lab: ControlPlane, lab_namespace: str
) -> None:
    stack = cluster_project
    manifest = gateway("chat", aiGatewayClassName="litellm")
    (stack.folder / "manifests" / "chat.yaml").write_text(yaml.safe_dump(manifest))
    rendered = gatewayctl("render", stack.folder / "manifests", "--namespace", lab_namespace).stdout
    objects = [one for one in yaml.safe_load_all(rendered) if one]
    file = stack.folder / "rendered.json"
    file.write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).replace("gpt-4o", "gpt-3")
    )
    place = Namespace(lab, lab_namespace)
    place.kubectl("apply", "-f", str(file))
    made = uids(lab, lab_namespace)
    assert made.keys() == {"ConfigMap/chat-config", "Deployment/chat", "Service/chat"}

    refused = stack.fails("up", "--yes", "--skip-preview")
    assert 'conflict with "kubectl-client-side-apply"' in refused
    assert ".data.config.yaml" in refused
    assert "gpt-3" in place.config("chat"), "nothing was changed"

    stack.run("up", "--yes", "--skip-preview", environment=FORCE)
    assert "gpt-3" not in place.config("chat")
    assert uids(lab, lab_namespace) == made
    stack.up("--skip-preview", "--expect-no-changes")
