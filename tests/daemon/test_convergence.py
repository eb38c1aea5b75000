"""Every change of a gateway, or of what it depends on, reaches the cluster without a restart."""

import hashlib
import json

import yaml

from lab import wait_until
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Daemon, Namespace
from tests.daemon.manifests import config_map, gateway


def test_a_new_gateway_becomes_three_objects_and_turns_ready(namespace: Namespace) -> None:
    namespace.apply(gateway("fresh", "gpt-4o", port=4000))
    namespace.wait_ready("fresh")

    owner = namespace.existing("AiGateway", "fresh")["metadata"]["uid"]
    config = namespace.existing("ConfigMap", "fresh-config")
    deployment = namespace.existing("Deployment", "fresh")
    service = namespace.existing("Service", "fresh")
    for made in (config, deployment, service):
        (reference,) = made["metadata"]["ownerReferences"]
        assert (reference["uid"], reference["controller"]) == (owner, True)
    assert yaml.safe_load(config["data"]["config.yaml"])["model_list"][0]["model_name"] == "gpt-4o"
    assert service["spec"]["ports"][0] | {"protocol": "TCP"} == {
        "name": "http",
        "port": 4000,
        "targetPort": 4000,
        "protocol": "TCP",
    }
    assert service["spec"]["type"] == "ClusterIP"
    digest = hashlib.sha256(config["data"]["config.yaml"].encode()).hexdigest()[:16]
    assert namespace.hashes("fresh")["runtime.agentic-layer.ai/config-hash"] == digest


def test_an_edit_reaches_config_deployment_and_status(namespace: Namespace) -> None:
    namespace.apply(gateway("edited", "old-model"))
    namespace.wait_ready("edited")
    before, said = namespace.hashes("edited"), namespace.conditions("edited")["AiGatewayConfigured"]

    namespace.apply(gateway("edited", "new-model"))
    namespace.wait_config("edited", "openai/new-model")
    namespace.wait_ready("edited")

    assert "old-model" not in namespace.config("edited")
    assert namespace.hashes("edited") != before
    after = namespace.conditions("edited")["AiGatewayConfigured"]
    assert after["observedGeneration"] == said["observedGeneration"] + 1
    assert after["lastTransitionTime"] == said["lastTransitionTime"], "it stays while the status does"


def test_changed_references_of_the_environment_roll_the_pods(namespace: Namespace) -> None:
    source = {"name": "FLAG", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "flag"}}}
    namespace.apply(config_map("flags", flag="on"), gateway("flagged", env=[source]))
    namespace.wait_ready("flagged")
    key = "runtime.agentic-layer.ai/env-hash"
    before = namespace.hashes("flagged")[key]

    namespace.apply(config_map("flags", flag="off"))

    wait_until(lambda: namespace.hashes("flagged")[key] != before, timeout=SECONDS, what="a new env-hash")


def test_a_patch_is_followed_through_all_of_its_states(namespace: Namespace) -> None:
    namespace.apply(gateway("patched", "kept-model"))
    namespace.wait_ready("patched")

    namespace.patch("AiGateway", "patched", {"metadata": {"annotations": {PATCH_ANNOTATION: "tuning"}}})
    message = namespace.wait_reason("patched", "ConfigPatchInvalid")
    assert 'configmap "tuning" not found' in message
    assert "openai/kept-model" in namespace.config("patched"), "the last good objects must stay"

    namespace.apply(config_map("tuning", patch_yaml="router_settings: {a: 1, a: 2}"))
    wait_until(
        lambda: "duplicate key" in namespace.conditions("patched")["AiGatewayConfigured"]["message"],
        timeout=SECONDS,
        what="the duplicate key in the message",
    )

    namespace.apply(config_map("tuning", patch_yaml="router_settings: {num_retries: 3}"))
    namespace.wait_config("patched", "num_retries: 3")
    namespace.wait_ready("patched")

    namespace.apply(config_map("tuning", patch_yaml="router_settings: {num_retries: 7}"))
    namespace.wait_config("patched", "num_retries: 7")
    namespace.patch("AiGateway", "patched", {"metadata": {"annotations": {PATCH_ANNOTATION: None}}})
    wait_until(lambda: "router_settings" not in namespace.config("patched"), timeout=SECONDS, what="no patch")
    namespace.wait_ready("patched")


def test_a_gateway_recreated_under_its_old_name_works(namespace: Namespace) -> None:
    namespace.apply(gateway("phoenix", "first-life"))
    namespace.wait_ready("phoenix")

    namespace.delete("AiGateway", "phoenix")
    namespace.apply(gateway("phoenix", "second-life"))

    namespace.wait_config("phoenix", "second-life")
    namespace.wait_ready("phoenix")
    uid = namespace.existing("AiGateway", "phoenix")["metadata"]["uid"]

    def owned_by_the_new_one() -> bool:
        deployment = namespace.get("Deployment", "phoenix")
        return deployment is not None and [
            ref["uid"] for ref in deployment["metadata"]["ownerReferences"]
        ] == [uid]

    wait_until(owned_by_the_new_one, timeout=SECONDS, what="a Deployment of the new gateway")


def test_many_gateways_at_once_share_few_engine_runs(namespace: Namespace, daemon: Daemon) -> None:
    names = [f"crowd-{number}" for number in range(8)]

    namespace.apply(*(gateway(name) for name in names))
    for name in names:
        namespace.wait_ready(name)

    runs = daemon.events("engine ran", namespace=namespace.name)
    assert sorted(name for run in runs for name in run["applied"]) == sorted(names), "each is applied once"
    assert len(runs) <= 3, json.dumps(runs)


def test_nothing_runs_without_a_change(namespace: Namespace, daemon: Daemon) -> None:
    namespace.apply(gateway("quiet"))
    namespace.wait_ready("quiet")
    runs = len(daemon.events("engine ran", namespace=namespace.name))

    namespace.patch("AiGateway", "quiet", {"metadata": {"labels": {"team": "red"}}})
    namespace.patch("Deployment", "quiet", {"metadata": {"annotations": {"note": "mine"}}})
    namespace.apply(gateway("marker"))
    namespace.wait_ready("marker")

    later = daemon.events("engine ran", namespace=namespace.name)[runs:]
    assert [run["applied"] for run in later] == [["marker"]]
    assert namespace.existing("Deployment", "quiet")["metadata"]["annotations"]["note"] == "mine"
