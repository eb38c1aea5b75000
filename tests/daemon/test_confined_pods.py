"""Pods of gateways start where a cluster is strict: Pod Security ``restricted``, and a policy that wants labels."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from lab import ControlPlane, wait_until
from lab.errors import ApiError
from tests.daemon.harness import SECONDS, Daemon, Namespace, fresh_namespace
from tests.daemon.manifests import config_map, gateway, tool_gateway

LABELS = {"labels": {"team": "violet"}}
_POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
_BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


@pytest.fixture
def strict(lab: ControlPlane) -> Iterator[Namespace]:
    """Return a namespace that admits nothing but restricted pods, and no object without the label ``team``."""
    with fresh_namespace(lab) as namespace:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace.kubectl(
            "label", "namespace", namespace.name, *(f"{key}={text}" for key, text in labels.items())
        )
        policy, binding = _policy(namespace.name)
        lab.api.create(_POLICIES, policy)
        lab.api.create(_BINDINGS, binding)
        try:
            wait_until(lambda: _refuses(namespace), timeout=SECONDS, what="the policy in force")
            yield namespace
        finally:
            lab.api.delete(f"{_BINDINGS}/{namespace.name}")
            lab.api.delete(f"{_POLICIES}/{namespace.name}")


def test_gateways_start_under_restrictions_and_label_policies(strict: Namespace, daemon: Daemon) -> None:
    strict.apply(gateway("chat", commonMetadata=LABELS), tool_gateway("tools", commonMetadata=LABELS))

    strict.wait_ready("chat")
    strict.wait_ready("tools", "ToolGateway")
    pods = strict.lab.api.get(f"/api/v1/namespaces/{strict.name}/pods")
    assert pods
    assert len(pods["items"]) == 2
    assert strict.existing("ConfigMap", "chat-config")["metadata"]["labels"] == {
        "app": "chat",
        "team": "violet",
    }


def _refuses(namespace: Namespace) -> bool:
    with suppress(ApiError):
        namespace.apply(config_map("unlabelled"))
        namespace.delete("ConfigMap", "unlabelled")
        return False
    return True


def _policy(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    rules = [
        {"apiGroups": [""], "resources": ["configmaps", "services"]},
        {"apiGroups": ["apps"], "resources": ["deployments"]},
    ]
    common = {"apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
    wanted = "has(object.metadata.labels) && 'team' in object.metadata.labels"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{**rule, **common} for rule in rules]},
            "validations": [{"expression": wanted, "message": "every object here needs the label team"}],
        },
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    }
    return policy, binding
