"""The daemon under exactly the roles of an installation: they are enough, and no verb of them is too many."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.install.__main__ import one_file
from gateway_components.install.options import Installation
from gateway_components.install.rbac import rbac
from gateway_components.kube.install_secrets import PASSPHRASE_SECRET
from lab import wait_until
from tests.conftest import Audited
from tests.daemon.harness import SECONDS, Namespace
from tests.daemon.kubelet import Kubelet
from tests.daemon.manifests import gateway, guard, provider, tool_gateway, tool_route, tool_server
from tests.install.pod import Pod

Right = tuple[str, str, str]
"""Verb, API group and resource."""

CHOSEN = Installation("gateways-chosen", namespaces=("watched", "shared"))

UNSEEN: set[Right] = {
    # A server-side apply that makes an object needs it, and stands in the log as a patch; see
    # test_a_right_that_is_missing_is_named_in_the_condition.
    ("create", "", "configmaps"),
    ("create", "apps", "deployments"),
    ("create", "", "services"),
    # The admission plugin that wants it asks within the API server.
    ("update", "runtime.agentic-layer.ai", "aigateways/finalizers"),
    ("update", "runtime.agentic-layer.ai", "toolgateways/finalizers"),
}


EVENTS = re.compile(r"(list|watch) /api/v1/namespaces/[^/]+/events\\?")
"""The engine's provider would show the events of what it waits for. It waits for nothing here, and does without."""


def refused(audited: Audited, installation: Installation) -> list[str]:
    """Return what the daemon asked for without the right to it, though it needs it."""
    return [
        request
        for request in audited.audit.refused(f"{installation.namespace}:litellm-gateways")
        if not EVENTS.match(request)
    ]


def rights(role: dict[str, Any]) -> set[Right]:
    """Return what a role grants."""
    return {
        right
        for rule in role["rules"]
        for right in product(rule["verbs"], rule["apiGroups"], rule["resources"])
    }


def use_everything(namespace: Namespace) -> None:
    """Have the daemon do all that it does: create, edit, put right, route, guard, fail, tell again, let go, delete."""
    with_passing_classes(namespace)
    guarded = [{"name": "personal-data"}]
    namespace.apply(
        gateway("chat", guardrails=guarded),
        guard("personal-data", "presidio"),
        provider("presidio"),
        tool_gateway("tools"),
        tool_server("server"),
        tool_route("files", "tools", server="server"),
    )
    namespace.wait_ready("chat")
    namespace.wait_ready("tools", "ToolGateway")
    namespace.wait_route("files", "Reconciled")

    namespace.apply(gateway("chat", "gpt-5", guardrails=guarded))
    namespace.wait_config("chat", "gpt-5")

    service = namespace.existing("Service", "chat")["metadata"]["uid"]
    namespace.delete("Service", "chat")
    wait_until(
        lambda: (
            (namespace.get("Service", "chat") or {"metadata": {"uid": service}})["metadata"]["uid"] != service
        ),
        timeout=SECONDS,
        what="a new Service",
    )
    for _ in range(2):
        namespace.delete("Guard", "personal-data")
        namespace.wait_reason("chat", "GuardrailsResolutionFailed")
        namespace.apply(guard("personal-data", "presidio"))
        namespace.wait_ready("chat")
    wait_until(
        lambda: any(event.get("series") for event in namespace.notes("chat", "GuardrailsResolutionFailed")),
        timeout=SECONDS,
        what="an event that was counted",
    )
    Kubelet(namespace, "chat")
    wait_until(
        lambda: "Unschedulable" in namespace.conditions("chat")["AiGatewayReady"]["message"],
        timeout=SECONDS,
        what="what the pods say",
    )
    for kind in ("AiGateway", "ToolGateway"):
        namespace.wait_no_conditions(kind, f"passing-{kind.lower()}")
    namespace.kubectl("delete", "aigateway,toolgateway,toolroute,toolserver,guard,guardrailprovider", "--all")
    wait_until(
        lambda: namespace.get("Secret", "litellm-gateways-state") is None,
        timeout=SECONDS,
        what="the state removed with the last gateway",
    )


def with_passing_classes(namespace: Namespace) -> None:
    """Have gateways lose their classes, which the daemon looks for then."""
    for kind, made in (("AiGateway", gateway), ("ToolGateway", tool_gateway)):
        name = f"passing-{kind.lower()}"
        manifest = made(name)
        manifest["spec"][GATEWAY_KINDS[kind].class_field] = name
        class_ = {"apiVersion": manifest["apiVersion"], "kind": f"{kind}Class", "metadata": {"name": name}}
        namespace.apply({**class_, "spec": {"controller": GATEWAY_KINDS[kind].controller}}, manifest)
        namespace.wait_ready(name, kind)
        namespace.kubectl("delete", f"{kind}Class".lower(), name)


def install(audited: Audited, installation: Installation) -> None:
    audited.lab.kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", "-", input=one_file(installation)
    )


def granted(installation: Installation, kind: str, namespace: str | None = None) -> set[Right]:
    """Return what the roles of a kind in a namespace, or of the cluster, grant."""
    return {
        right
        for role in rbac(installation)
        if role["kind"] == kind and role["metadata"].get("namespace") == namespace
        for right in rights(role)
    }


def asked(audited: Audited, installation: Installation, *namespaces: str) -> set[Right]:
    """Return what the daemon of an installation asked for in these namespaces; "" stands for all at once."""
    requests = audited.audit.asked(f"{installation.namespace}:litellm-gateways")
    return {(found.verb, found.group, found.resource) for found in requests if found.namespace in namespaces}


def scrape_with_and_without_the_right(audited: Audited, pod: Pod, namespace: Namespace) -> None:
    """Ask for metrics with no token, a forged one, one without the right, and one with it."""
    for name in ("scraper", "other"):
        namespace.kubectl("create", "serviceaccount", name)
    role = "--clusterrole=litellm-gateways-metrics-reader"
    account = f"--serviceaccount={namespace.name}:scraper"
    audited.lab.kubectl("create", "clusterrolebinding", "scraper", role, account)
    tokens = {name: namespace.kubectl("create", "token", name).strip() for name in ("scraper", "other")}
    statuses = {"": 401, f"{tokens['scraper'][:-4]}AAAA": 401, tokens["other"]: 403, tokens["scraper"]: 200}
    for token, status in statuses.items():
        assert answered(pod, "/metrics", token) == status
    assert [answered(pod, path, "") for path in ("/healthz", "/readyz")] == [200, 200]


def answered(pod: Pod, path: str, token: str) -> int:
    """Return the status of the answer to a request with a bearer token; an empty one is left out."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{pod.port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310  (a URL of our own)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def make_namespace(audited: Audited, name: str) -> Namespace:
    audited.lab.kubectl("create", "namespace", name)
    return Namespace(audited.lab, name)


def test_rights_in_chosen_namespaces_are_exactly_those_used(audited: Audited, tmp_path: Path) -> None:
    chosen = CHOSEN
    watched, shared, other = (make_namespace(audited, name) for name in ("watched", "shared", "unwatched"))
    install(audited, chosen)
    with Pod(audited.lab, tmp_path, chosen.namespace) as pod:
        pod.wait_for("watching")
        other.apply(gateway("untouched"))
        shared.apply(guard("common", "presidio"), provider("presidio"))
        watched.apply(gateway("beside", guardrails=[{"name": "common", "namespace": "shared"}]))
        watched.wait_ready("beside")
        use_everything(watched)
    audited.lab.kubectl(
        "patch", "secret", PASSPHRASE_SECRET, "-n", chosen.namespace, "--patch", '{"data": null}'
    )
    with Pod(audited.lab, tmp_path / "again", chosen.namespace) as pod:
        pod.wait_for("watching")

    assert refused(audited, chosen) == [], "nothing more is asked for"
    assert granted(chosen, "Role", "watched") - asked(audited, chosen, "watched") == UNSEEN
    # Each namespace is asked for by its name, or that would have been refused.
    assert granted(chosen, "ClusterRole") - asked(audited, chosen, "", "watched", "shared") == set()
    assert granted(chosen, "Role", chosen.namespace) - asked(audited, chosen, chosen.namespace) == set()
    assert "status" not in other.existing("AiGateway", "untouched")
    assert other.get("Deployment", "untouched") is None


def test_rights_in_the_whole_cluster_are_exactly_those_used(audited: Audited, tmp_path: Path) -> None:
    everywhere = Installation(metrics_auth=True)
    namespace = make_namespace(audited, "anywhere")
    install(audited, everywhere)
    with Pod(audited.lab, tmp_path, everywhere.namespace) as pod:
        pod.wait_for("watching")
        scrape_with_and_without_the_right(audited, pod, namespace)
        use_everything(namespace)

    assert refused(audited, everywhere) == [], "nothing more is asked for"
    assert granted(everywhere, "ClusterRole") - asked(audited, everywhere, "", "anywhere") == UNSEEN
    own = granted(everywhere, "Role", everywhere.namespace)
    assert own == granted(CHOSEN, "Role", CHOSEN.namespace) - {("delete", "", "secrets")}, (
        "looked at in the other test; what it may do to its states holds for their notes as well"
    )


@pytest.fixture(scope="module")
def running(audited: Audited, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """A daemon under the roles for the whole cluster."""
    install(audited, Installation())
    with Pod(audited.lab, tmp_path_factory.mktemp("running"), Installation().namespace) as pod:
        pod.wait_for("watching")
        yield pod


class Without:
    """Takes a right away for a while."""

    def __init__(self, audited: Audited, verb: str, resource: str) -> None:
        self._lab = audited.lab
        (role,) = (role for role in rbac(Installation()) if role["kind"] == "ClusterRole")
        less = json.loads(json.dumps(role))
        for rule in less["rules"]:
            if resource in rule["resources"] and verb in rule["verbs"]:
                rule["resources"].remove(resource)
                # What remains of the rule for this resource.
                rest = [other for other in rule["verbs"] if other != verb]
                less["rules"].append({**rule, "resources": [resource], "verbs": rest})
        less["rules"] = [rule for rule in less["rules"] if rule["resources"] and rule["verbs"]]
        self._whole, self._less = role, less

    def __enter__(self) -> None:
        self._put(self._less)

    def __exit__(self, *_: object) -> None:
        self._put(self._whole)

    def _put(self, role: dict[str, Any]) -> None:
        self._lab.kubectl("replace", "-f", "-", input=json.dumps(role))


MISSING = [
    ("create", "configmaps", "ConfigMapFailed"),
    ("create", "deployments", "DeploymentFailed"),
    ("create", "services", "ServiceFailed"),
]


@pytest.mark.parametrize(("verb", "resource", "reason"), MISSING, ids=[case[1] for case in MISSING])
def test_a_right_that_is_missing_is_named_in_the_condition(
    audited: Audited, running: Pod, verb: str, resource: str, reason: str
) -> None:
    namespace = make_namespace(audited, f"no-{verb}-{resource}")
    with Without(audited, verb, resource):
        namespace.apply(gateway("chat"))
        message = namespace.wait_reason("chat", reason)
    assert f'cannot {verb} resource "{resource}"' in message, "the API server's own words"
    assert f'the verb "{verb}" on "{resource}' in message, "the cure"
    assert f"in namespace {namespace.name}" in message
    line = running.wait_for("AiGatewayConfigured", gateway=f"AiGateway {namespace.name}/chat", reason=reason)
    assert line["level"] == "warning"
    namespace.wait_ready("chat")


def test_a_missing_right_to_block_deletion_is_named(audited: Audited, running: Pod) -> None:
    namespace = make_namespace(audited, "no-finalizers")
    with Without(audited, "update", "aigateways/finalizers"):
        namespace.apply(gateway("chat"))
        message = namespace.wait_reason("chat", "ConfigMapFailed")
    assert "cannot set blockOwnerDeletion" in message, "the API server's own words"
    assert 'the verb "update" on the finalizers of gateways' in message, "the cure"
    namespace.wait_ready("chat")


def test_a_missing_right_keeps_the_last_good_objects(audited: Audited, running: Pod) -> None:
    namespace = make_namespace(audited, "no-edit")
    namespace.apply(gateway("chat"))
    namespace.wait_ready("chat")
    with Without(audited, "patch", "deployments"):
        namespace.apply(gateway("chat", "gpt-5"))
        message = namespace.wait_reason("chat", "DeploymentFailed")
        assert 'cannot patch resource "deployments"' in message
        assert namespace.get("Deployment", "chat") is not None
    namespace.wait_ready("chat")


@pytest.mark.parametrize("resource", ["pods", "replicasets"])
def test_a_missing_right_to_list_pods_is_in_the_condition(
    audited: Audited, running: Pod, resource: str
) -> None:
    namespace = make_namespace(audited, f"no-{resource}")
    with Without(audited, "list", resource):
        namespace.apply(gateway("chat"))
        namespace.wait_ready("chat")
        kubelet = Kubelet(namespace, "chat")
        wait_until(
            lambda: (
                f'the verb "list" on "{resource}' in namespace.conditions("chat")["AiGatewayReady"]["message"]
            ),
            timeout=SECONDS,
            what="the right that is missing",
        )
        kubelet.leave()
        namespace.wait_ready("chat")


def test_a_status_that_may_not_be_written_is_named_in_the_log(audited: Audited, running: Pod) -> None:
    namespace = make_namespace(audited, "no-status")
    with Without(audited, "patch", "aigateways/status"):
        namespace.apply(gateway("chat"))
        wait_until(
            lambda: (
                'the verb \\"patch\\" on \\"aigateways/status.runtime.agentic-layer.ai\\"' in running.text()
            ),
            timeout=SECONDS,
            what="a line that names verb and resource",
        )
    namespace.wait_ready("chat")


def test_a_watch_that_is_not_allowed_is_named_in_the_log(
    audited: Audited, running: Pod, tmp_path: Path
) -> None:
    with (
        Without(audited, "watch", "services"),
        Pod(audited.lab, tmp_path, Installation().namespace, "--no-leader-election") as blind,
    ):
        broken = blind.wait_for("watch broken", resource="services")
        assert 'the verb "watch" on "services" in all namespaces' in broken["error"]
