from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi_kubernetes.core.v1 import (
    EnvFromSourceArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    SecretEnvSourceArgs,
    SecretKeySelectorArgs,
)

from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs, MetadataArgs
from gateway_components.components.naming import SKIP_AWAIT
from tests.components.recorder import SECRET, Recorder, made_by, run, secrecy_of

MODELS = [AiModelArgs(name="gpt-4o", provider="openai")]


def gateway(**arguments: Any) -> Recorder:
    return gateway_of(lambda: arguments)


def gateway_of(arguments: Callable[[], dict[str, Any]]) -> Recorder:
    """Register a gateway whose arguments hold Outputs, which can only be made within the run."""
    return run(lambda: AiGateway("chat", AiGatewayArgs(**{"models": MODELS, **arguments()})).url)


def test_a_gateway_is_one_component_with_three_objects() -> None:
    recorder = gateway()
    assert recorder.kinds() == ["AiGateway", "ConfigMap", "Deployment", "Service"]
    parents = {request.parent for request in recorder.requests if request.custom}
    assert [parent.rpartition("::")[2] for parent in parents] == ["chat"]
    assert recorder.inputs("ConfigMap")["metadata"]["name"] == "chat-config"
    assert recorder.inputs("Service")["metadata"] == {
        "name": "chat",
        "namespace": "default",
        "labels": {"app": "chat"},
        "annotations": made_by("AiGateway", "chat"),
    }


def test_the_deployment_comes_after_the_config_map_it_mounts() -> None:
    (dependency,) = gateway().request("Deployment").dependencies
    assert "ConfigMap" in dependency


def test_the_gateway_may_bear_another_name_than_the_component() -> None:
    recorder = gateway_of(lambda: {"name": pulumi.Output.from_input("models"), "namespace": "team-a"})
    assert recorder.request("Deployment").name == "chat"
    assert recorder.inputs("Deployment")["metadata"]["name"] == "models"
    assert recorder.inputs("ConfigMap")["metadata"]["name"] == "models-config"


def test_outputs_name_the_objects_and_the_url() -> None:
    seen: list[Any] = []

    def program() -> pulumi.Output[Any]:
        made = AiGateway("chat", AiGatewayArgs(models=MODELS, namespace="team-a", port=4000))
        return pulumi.Output.all(
            made.url, made.namespace, made.service_name, made.deployment_name, made.config_map_name
        ).apply(seen.append)

    run(program)
    assert seen == [
        ["http://chat.team-a.svc.cluster.local:4000", "team-a", "chat", "chat", "chat-config"],
    ]


def outputs(reference: dict[str, str]) -> dict[str, Any]:
    late = pulumi.Output.from_input
    secret_key_ref = late({**reference, "key": late("redis")})
    return {
        "models": late([{"name": late("gpt-4o"), "provider": "openai"}]),
        "env": [late({"name": "REDIS", "valueFrom": late({"secretKeyRef": secret_key_ref})})],
        "common_metadata": MetadataArgs(labels=late({"team_name": late("a_b")})),
        "port": late(80),
    }


def test_arguments_may_be_args_classes_maps_and_outputs_alike() -> None:
    reference = {"name": "keys", "key": "redis"}
    as_classes = gateway(
        env=[
            EnvVarArgs(
                name="REDIS",
                value_from=EnvVarSourceArgs(secret_key_ref=SecretKeySelectorArgs(name="keys", key="redis")),
            )
        ],
        common_metadata=MetadataArgs(labels={"team_name": "a_b"}),
    )
    as_maps = gateway(
        models=[{"name": "gpt-4o", "provider": "openai"}],
        env=[{"name": "REDIS", "value_from": {"secret_key_ref": reference}}],
        common_metadata={"labels": {"team_name": "a_b"}},
    )
    as_outputs = gateway_of(lambda: outputs(reference))
    for kind in ("ConfigMap", "Deployment", "Service"):
        assert as_classes.inputs(kind) == as_maps.inputs(kind) == as_outputs.inputs(kind)


def test_a_map_of_arguments_does_for_the_args_class() -> None:
    recorder = run(lambda: AiGateway("chat", {"models": MODELS, "port": 4000}).url)
    assert recorder.inputs("Service")["spec"]["ports"][0]["port"] == 4000


def test_keys_that_are_data_keep_their_spelling() -> None:
    recorder = gateway(
        common_metadata=MetadataArgs(
            labels={"my_label": "a", "match_labels": "b"}, annotations={"api_version": "c"}
        ),
        pod_metadata=MetadataArgs(labels={"secretRef": "d", "secret_ref": "e"}),
        config_patch={"router_settings": {"num_retries": 3, "modelGroupAlias": {"api_version": "x"}}},
    )
    metadata = recorder.inputs("Service")["metadata"]
    assert metadata["labels"] == {"app": "chat", "my_label": "a", "match_labels": "b"}
    assert metadata["annotations"] == {"api_version": "c", **made_by("AiGateway", "chat")}
    pods = recorder.inputs("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert pods == {"app": "chat", "my_label": "a", "match_labels": "b", "secretRef": "d", "secret_ref": "e"}
    config = recorder.inputs("ConfigMap")["data"]["config.yaml"]
    assert "num_retries: 3" in config
    assert "modelGroupAlias:\n    api_version: x" in config


def test_the_image_can_be_chosen() -> None:
    recorder = gateway(image="registry.example.com/litellm:v1.98.0")
    (container,) = recorder.inputs("Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/litellm:v1.98.0"


def test_whole_secrets_become_variables() -> None:
    recorder = gateway(env_from=[EnvFromSourceArgs(prefix="A_", secret_ref=SecretEnvSourceArgs(name="all"))])
    container = recorder.inputs("Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"prefix": "A_", "secretRef": {"name": "all"}}]


def test_null_in_a_patch_deletes() -> None:
    recorder = gateway(config_patch={"litellm_settings": {"callbacks": None}})
    assert "callbacks" not in recorder.inputs("ConfigMap")["data"]["config.yaml"]


def test_skip_await_reaches_every_object() -> None:
    recorder = gateway(skip_await=True)
    for kind in ("ConfigMap", "Deployment", "Service"):
        assert recorder.inputs(kind)["metadata"]["annotations"].items() >= SKIP_AWAIT.items()


def test_options_of_the_component_reach_its_objects() -> None:
    def marked(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        metadata = pulumi.Output.from_input(args.props.get("metadata"))
        changed = metadata.apply(lambda known: known and {**known, "annotations": {"seen": args.name}})
        return pulumi.ResourceTransformationResult({**args.props, "metadata": changed}, args.opts)

    def program() -> pulumi.Output[str]:
        parent = pulumi.ComponentResource("test:index:Parent", "parent")
        provider = kubernetes.Provider("elsewhere", render_yaml_to_directory="unused")
        opts = pulumi.ResourceOptions(
            parent=parent,
            provider=provider,
            protect=True,
            transformations=[marked],
        )
        return AiGateway("chat", AiGatewayArgs(models=MODELS), opts).url

    recorder = run(program)
    assert recorder.request("AiGateway").parent.endswith("::parent")
    for kind in ("ConfigMap", "Deployment", "Service"):
        request = recorder.request(kind)
        assert request.protect
        assert "::elsewhere::" in request.provider
        assert recorder.inputs(kind)["metadata"]["annotations"] == {"seen": "chat"}


def test_two_gateways_stand_in_one_program() -> None:
    def program() -> pulumi.Output[Any]:
        first = AiGateway("one", AiGatewayArgs(models=MODELS))
        return pulumi.Output.all(first.url, AiGateway("two", AiGatewayArgs(models=MODELS)).url)

    recorder = run(program)
    assert recorder.inputs("Deployment", "one") != recorder.inputs("Deployment", "two")


@pytest.mark.parametrize("hidden", ["keys", "variable"])
def test_a_secret_argument_hides_no_more_than_it_must(hidden: str) -> None:
    def program() -> pulumi.Output[Any]:
        secret = pulumi.Output.secret("sk-hunter2")
        arguments: dict[str, dict[str, Any]] = {
            "keys": {"api_keys": {"OPENAI_API_KEY": secret}},
            "variable": {"env": [EnvVarArgs(name="TOKEN", value=secret)]},
        }
        made = AiGateway("chat", AiGatewayArgs(models=MODELS, **arguments[hidden]))
        return secrecy_of(made.url).apply(shown.append)

    shown: list[Any] = []
    recorder = run(program)
    assert shown == [False]
    assert SECRET not in str(recorder.inputs("ConfigMap")) + str(recorder.inputs("Service"))
    deployment = recorder.inputs("Deployment")
    assert SECRET not in str(deployment["metadata"])
    assert (SECRET in str(deployment["spec"])) is (hidden == "variable")
    assert ("hunter2" in str(deployment)) is (hidden == "variable")
