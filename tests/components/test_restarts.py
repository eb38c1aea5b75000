"""What restarts the pods of a gateway, and what of a program is known at once."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from gateway_components import (
    AiGateway,
    AiGatewayArgs,
    AiModelArgs,
    ToolGateway,
    ToolGatewayArgs,
    strict_yaml,
)
from gateway_components.components.objects import MADE_BY
from gateway_components.components.provider import rendered_path
from gateway_components.identity import Identity
from gateway_components.plan.objects import env_hash
from gateway_components.plan.snapshot import content_digest
from tests.components.recorder import SECRET, Recorder, made_by, run

MODELS = [AiModelArgs(name="gpt-4o", provider="openai")]
ENV_HASH = "runtime.agentic-layer.ai/env-hash"
SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"


def gateway(arguments: Callable[[], dict[str, Any]]) -> Recorder:
    return run(lambda: AiGateway("chat", AiGatewayArgs(models=MODELS, **arguments())).url)


def pods(recorder: Recorder) -> dict[str, str]:
    annotations: dict[str, str] = recorder.inputs("Deployment")["spec"]["template"]["metadata"]["annotations"]
    return annotations


def secret(name: str, **content: Any) -> pulumi.Output[str]:
    made = kubernetes.core.v1.Secret(f"made-{name}", metadata={"name": name}, **content)
    return made.metadata.name


def key_of(name: Any) -> dict[str, Any]:
    return {"name": "TOKEN", "value_from": {"secret_key_ref": {"name": name, "key": "token"}}}


def hashed(kind: Any, name: str, **content: bytes | str) -> str:
    return env_hash([(Identity(kind, "default", name), content_digest(content))])


SOURCES: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "the text of a Secret": (
        lambda: {"env": [key_of(secret("admin", string_data={"token": pulumi.Output.secret("a")}))]},
        hashed("Secret", "admin", token="a"),
    ),
    "data of a Secret, as a cluster tells it": (
        lambda: {"env": [key_of(secret("admin", data={"token": "YQ=="}))]},
        hashed("Secret", "admin", token="a"),
    ),
    "a whole Secret": (
        lambda: {"env_from": [{"secret_ref": {"name": secret("all", string_data={"A": "b"})}}]},
        hashed("Secret", "all", A="b"),
    ),
    "a whole ConfigMap": (
        lambda: {
            "env_from": [
                {
                    "config_map_ref": {
                        "name": kubernetes.core.v1.ConfigMap(
                            "made", metadata={"name": "all"}, data={"A": "b"}
                        ).metadata.name
                    }
                }
            ]
        },
        hashed("ConfigMap", "all", A="b"),
    ),
    "credentials of a guard": (
        lambda: {
            "guardrails": [
                {
                    "name": "moderation",
                    "mode": ["pre_call"],
                    "provider": {
                        "type": "openai-moderation-api",
                        "api_key_secret_ref": {
                            "name": secret("moderation", string_data={"key": "k"}),
                            "key": "key",
                        },
                    },
                }
            ]
        },
        hashed("Secret", "moderation", key="k"),
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_referenced_content_has_the_hash_that_the_daemon_makes(source: str) -> None:
    arguments, expected = SOURCES[source]
    assert pods(gateway(arguments))[ENV_HASH] == expected


def test_a_secret_that_is_not_referred_to_changes_nothing() -> None:
    plain = gateway(dict)
    named = gateway(
        lambda: {"common_metadata": {"annotations": {"uses": secret("other", string_data={"a": "b"})}}}
    )
    assert pods(named)[SECRET_HASH] == pods(plain)[SECRET_HASH]
    assert ENV_HASH not in pods(named)


def test_the_digest_of_a_secret_is_not_secret_itself() -> None:
    recorder = gateway(
        lambda: {"env": [key_of(secret("admin", string_data={"token": pulumi.Output.secret("hunter2")}))]}
    )
    deployment = str(recorder.inputs("Deployment"))
    assert SECRET not in deployment
    assert "hunter2" not in deployment


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", "b"), (1, 2), ({"a": [1]}, {"a": [2]}), (["a", "b"], ["ab"])],
    ids=["text", "number", "map", "list"],
)
def test_pods_restart_for_whatever_counts(one: Any, other: Any) -> None:
    def templates(value: Any) -> list[Any]:
        late = [lambda: {"restart_on": value}, lambda: {"restart_on": pulumi.Output.secret(value)}]
        return [gateway(given).inputs("Deployment")["spec"] for given in late]

    assert templates(one)[0] == templates(one)[1]
    assert templates(one)[0] != templates(other)[0]


def test_a_trigger_leaves_other_annotations_of_the_pods() -> None:
    annotations = pods(gateway(lambda: {"restart_on": "a", "pod_metadata": {"annotations": {"seen": "yes"}}}))
    assert annotations["seen"] == "yes"


ADD = {"imagePullSecrets": [{"name": "mirror"}]}


def older(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    if args.type_ == "kubernetes:apps/v1:Deployment":
        props: Any = args.props
        props["metadata"]["labels"]["seen"] = args.name
        props["spec"]["replicas"] = 2
        props["spec"]["template"]["spec"].update(copy.deepcopy(ADD))
    return pulumi.ResourceTransformationResult(args.props, args.opts)


MAKES: dict[str, Callable[[str, pulumi.ResourceOptions], Any]] = {
    "AiGateway": lambda name, opts: AiGateway(name, AiGatewayArgs(models=MODELS), opts),
    "ToolGateway": lambda name, opts: ToolGateway(name, ToolGatewayArgs(routes=[]), opts),
}


@pytest.mark.parametrize("kind", MAKES)
def test_a_transformation_sees_plain_values_where_all_is_known(kind: str) -> None:
    def program() -> pulumi.Output[Any]:
        opts = pulumi.ResourceOptions(transformations=[older])
        changed = MAKES[kind]("changed", opts)
        return pulumi.Output.all(changed.url, MAKES[kind]("other", pulumi.ResourceOptions()).url)

    recorder = run(program)
    changed, other = (recorder.inputs("Deployment", name) for name in ("changed", "other"))
    assert changed["spec"]["replicas"] == 2
    assert changed["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "mirror"}]
    assert changed["metadata"]["labels"]["seen"] == "changed"
    assert "replicas" not in other["spec"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"namespace": "team-a"}, "team-a"),
        ({}, "default"),
        (
            {"kubeconfig": "{current-context: a, contexts: [{name: a, context: {namespace: team-b}}]}"},
            "team-b",
        ),
    ],
    ids=["of the provider", "of nobody", "of the context"],
)
def test_a_namespace_left_out_is_that_of_the_provider(settings: dict[str, Any], expected: str) -> None:
    def program() -> pulumi.Output[Any]:
        provider = kubernetes.Provider("elsewhere", **{"kubeconfig": "", **settings})
        parent = pulumi.ComponentResource(
            "test:index:Parent", "parent", None, pulumi.ResourceOptions(providers={"kubernetes": provider})
        )
        args = ToolGatewayArgs(routes=[{"name": "news", "server": {"name": "news"}}])
        tools = ToolGateway("tools", args, pulumi.ResourceOptions(parent=parent))
        AiGateway("chat", AiGatewayArgs(models=MODELS), pulumi.ResourceOptions(provider=provider))
        return pulumi.Output.all(tools.namespace, tools.routes["news"].url).apply(seen.extend)

    seen: list[str] = []
    recorder = run(program)
    key = expected.replace("-", "_")
    assert seen == [expected, f"http://tools.{expected}.svc.cluster.local/mcp/{key}__news"]
    config = recorder.inputs("ConfigMap", "tools")["data"]["config.yaml"]
    assert f"http://news.{expected}.svc.cluster.local:8080/mcp" in config
    for kind in ("ConfigMap", "Deployment", "Service"):
        assert recorder.inputs(kind, "chat")["metadata"]["namespace"] == expected


def test_objects_of_a_gateway_are_there_for_others() -> None:
    def program() -> pulumi.Output[Any]:
        made = AiGateway("chat", AiGatewayArgs(models=MODELS))
        kinds = [type(one).__name__ for one in (made.config_map, made.deployment, made.service)]
        assert kinds == ["ConfigMap", "Deployment", "Service"]
        return made.deployment.metadata.name.apply(seen.append)

    seen: list[str] = []
    run(program)
    assert seen == ["chat"]


def test_each_component_leaves_a_mark_of_its_own_on_its_objects() -> None:
    def program() -> pulumi.Output[Any]:
        outer = pulumi.ComponentResource("test:index:Outer", "outer")
        inner = pulumi.ComponentResource(
            "test:index:Inner", "inner", None, pulumi.ResourceOptions(parent=outer)
        )
        models = AiGatewayArgs(name="chat", models=MODELS)
        return pulumi.Output.all(
            AiGateway("one", models).url,
            AiGateway("two", models).url,
            AiGateway("three", models, pulumi.ResourceOptions(parent=inner)).url,
            ToolGateway("four", ToolGatewayArgs(name="chat", routes=[])).url,
        )

    recorder = run(program)

    def marks(kind: str) -> list[str]:
        names = ("one", "two", "three", "four")
        return [recorder.inputs(kind, name)["metadata"]["annotations"][MADE_BY] for name in names]

    for kind in ("ConfigMap", "Deployment", "Service"):
        assert len(set(marks(kind))) == 4
        assert [marks(kind)[0]] == list(made_by("AiGateway", "one").values())
    urn = recorder.request("ConfigMap", "three").parent
    assert marks("ConfigMap")[2] == urn, "of a component within components it is the whole way there"


def test_nothing_is_made_before_the_config_map() -> None:
    recorder = gateway(dict)
    for kind in ("Deployment", "Service"):
        (dependency,) = recorder.request(kind).dependencies
        assert "ConfigMap" in dependency


def configured(settings: dict[str, str], program: Callable[[], Any], *, preview: bool = False) -> Recorder:
    """Run a program whose default provider is configured so."""
    pulumi.runtime.set_all_config({f"kubernetes:{key}": value for key, value in settings.items()})
    try:
        return run(program, preview=preview)
    finally:
        pulumi.runtime.set_all_config({})


@pytest.mark.parametrize(
    ("settings", "reported"),
    [
        ({}, True),
        ({"enableConfigMapMutable": "false"}, True),
        ({"enableConfigMapMutable": "true"}, False),
        ({"renderYamlToDirectory": "rendered"}, False),
    ],
)
def test_a_provider_that_replaces_config_maps_is_reported(
    settings: dict[str, str], reported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE")
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", said.append)
    configured(settings, lambda: AiGateway("chat", AiGatewayArgs(models=MODELS)).url)
    cure = "pulumi config set kubernetes:enableConfigMapMutable true"
    found = [text.partition(": ")[0] for text in said if cure in text]
    assert found == (['AiGateway "chat"'] if reported else [])


@pytest.mark.parametrize("preview", [True, False])
def test_files_rendered_by_another_component_are_refused(preview: bool, tmp_path: Path) -> None:
    def program(component: str, *aliases: pulumi.Alias) -> Recorder:
        opts = pulumi.ResourceOptions(aliases=list(aliases))
        args = AiGatewayArgs(name="chat", models=MODELS)
        settings = {"renderYamlToDirectory": str(tmp_path)}
        return configured(settings, lambda: AiGateway(component, args, opts).url, preview=preview)

    def rendered(mark: dict[str, str]) -> None:
        manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "chat", "annotations": mark}}
        path = rendered_path(tmp_path, manifest)
        path.parent.mkdir(exist_ok=True)
        path.write_text(strict_yaml.dump(manifest))

    rendered(made_by("AiGateway", "first"))
    program("first")
    program("second", pulumi.Alias(name="first"))
    with pytest.raises(pulumi.RunError, match=r"was rendered by .*::first \(.*aliases"):
        program("second")
    rendered({MADE_BY: made_by("AiGateway", "first")[MADE_BY].replace(":stack:", ":other:")})
    program("second")
