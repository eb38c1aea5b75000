from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from gateway_components import (
    AiGateway,
    ToolGateway,
    ToolGatewayArgs,
    ToolRouteArgs,
    ToolServerArgs,
    strict_yaml,
)
from gateway_components.api.gateways import ToolGateway as ToolGatewayModel
from gateway_components.api.parse import parse
from gateway_components.components.naming import SKIP_AWAIT
from gateway_components.plan.generate import generate
from tests.components.recorder import Recorder, made_by, run, value_of

WEATHER = ToolRouteArgs(
    name="weather", server=ToolServerArgs(name="weather", namespace="servers", port=9000), allow=["forecast"]
)
NEWS = ToolRouteArgs(name="the-news", url="https://news.example.com/sse", deny=["erase"])


def gateway(**arguments: Any) -> Recorder:
    return gateway_of(lambda: arguments)


def gateway_of(arguments: Callable[[], dict[str, Any]]) -> Recorder:
    """Register a gateway whose arguments hold Outputs, which can only be made within the run."""
    return run(
        lambda: ToolGateway("tools", ToolGatewayArgs(**{"routes": [WEATHER, NEWS], **arguments()})).url
    )


def config(recorder: Recorder) -> Any:
    return strict_yaml.parse(recorder.inputs("ConfigMap")["data"]["config.yaml"])


def test_a_gateway_has_three_objects_and_its_routes() -> None:
    recorder = gateway()
    assert recorder.kinds() == ["ConfigMap", "Deployment", "Service", "ToolGateway", "ToolRoute", "ToolRoute"]
    for name in ("tools/weather", "tools/the-news"):
        route = recorder.request("ToolRoute", name)
        assert not route.custom
        assert route.parent == recorder.request("Service").parent


def test_every_route_is_an_entry_of_the_configuration() -> None:
    assert config(gateway(namespace="team-a"))["mcp_servers"] == {
        "team_a__weather": {
            "url": "http://weather.servers.svc.cluster.local:9000/mcp",
            "transport": "http",
            "allowed_tools": ["forecast"],
            "allow_all_keys": True,
        },
        "team_a__the_news": {
            "url": "https://news.example.com/sse",
            "transport": "sse",
            "disallowed_tools": ["erase"],
            "allow_all_keys": True,
        },
    }


def test_a_server_is_looked_up_beside_the_gateway() -> None:
    servers = config(gateway(namespace="team-a", routes=[{"name": "a", "server": {"name": "files"}}]))
    url = servers["mcp_servers"]["team_a__a"]["url"]
    assert url == "http://files.team-a.svc.cluster.local:8080/mcp"


def test_a_gateway_may_have_no_routes_yet() -> None:
    recorder = run(lambda: ToolGateway("tools", {}).url)
    assert config(recorder)["mcp_servers"] == {}


def test_urls_name_gateway_and_routes() -> None:
    def urls() -> pulumi.Output[Any]:
        made = ToolGateway("tools", ToolGatewayArgs(namespace="team-a", routes=[WEATHER, NEWS]))
        return pulumi.Output.all(made.url, made.routes["weather"].url, made.routes["the-news"].url)

    assert value_of(urls) == [
        "http://tools.team-a.svc.cluster.local",
        "http://tools.team-a.svc.cluster.local/mcp/team_a__weather",
        "http://tools.team-a.svc.cluster.local/mcp/team_a__the_news",
    ]


def test_a_route_made_of_outputs_has_its_url_in_the_state() -> None:
    def urls() -> pulumi.Output[Any]:
        late = pulumi.Output.from_input
        made = ToolGateway("tools", {"name": late("mcp"), "namespace": late("team-a"), "routes": [NEWS]})
        return made.routes["the-news"].url

    assert value_of(urls) == "http://mcp.team-a.svc.cluster.local/mcp/team_a__the_news"


def outputs() -> dict[str, Any]:
    late = pulumi.Output.from_input
    server = late({"name": late("weather"), "namespace": "servers", "port": late(9000)})
    return {
        "namespace": late("default"),
        "routes": [
            {"name": "weather", "server": server, "allow": late([late("forecast")])},
            {"name": "the-news", "url": late("https://news.example.com/sse"), "deny": [late("erase")]},
        ],
    }


def test_arguments_may_be_args_classes_maps_and_outputs_alike() -> None:
    as_maps = gateway(
        routes=[
            {
                "name": "weather",
                "server": {"name": "weather", "namespace": "servers", "port": 9000},
                "allow": ["forecast"],
            },
            {"name": "the-news", "url": "https://news.example.com/sse", "deny": ["erase"]},
        ]
    )
    as_outputs = gateway_of(outputs)
    for kind in ("ConfigMap", "Deployment", "Service"):
        assert gateway().inputs(kind) == as_maps.inputs(kind) == as_outputs.inputs(kind)


def test_the_component_makes_what_the_custom_resource_makes() -> None:
    manifest = {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "ToolGateway",
        "metadata": {"name": "tools", "namespace": "team-a"},
        "spec": {
            "env": [{"name": "A", "value": "b"}],
            "commonMetadata": {"labels": {"team": "a"}},
            "podMetadata": {"annotations": {"c": "d"}},
        },
    }
    model = parse(manifest)
    assert isinstance(model, ToolGatewayModel)
    recorder = gateway(
        namespace="team-a",
        routes=[],
        env=[{"name": "A", "value": "b"}],
        common_metadata={"labels": {"team": "a"}},
        pod_metadata={"annotations": {"c": "d"}},
    )
    for made in generate(model, {}, {}, {}).objects.manifests:
        annotations = {**made["metadata"].get("annotations", {}), **made_by("ToolGateway", "tools")}
        metadata = {**made["metadata"], "annotations": annotations}
        assert recorder.inputs(made["kind"]) == {**made, "metadata": metadata}


def test_a_patch_is_merged_with_warnings_of_unknown_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", said.append)
    recorder = gateway_of(lambda: {"config_patch": {"litellm_settigs": {"a": 1}}, "env": late_variable()})
    assert config(recorder)["litellm_settigs"] == {"a": 1}
    (warning,) = (text for text in said if "the callback otel" not in text)
    assert warning.startswith('ToolGateway "tools": config_patch: litellm_settigs is not a key')
    assert "litellm_settings" in warning


def test_a_pattern_among_the_tools_warns_of_its_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", said.append)
    gateway(routes=[WEATHER, {"name": "news", "url": "https://news.example.com/mcp", "allow": ["get_*"]}])
    (warning,) = (text for text in said if "the callback otel" not in text)
    assert warning.startswith('ToolGateway "tools": routes[1].allow: ')


def late_variable() -> list[Any]:
    return [pulumi.Output.from_input({"name": "A", "value": "b"})]


def test_options_of_the_component_reach_its_objects_and_routes() -> None:
    def marked(args: pulumi.ResourceTransformationArgs) -> None:
        seen.add((args.type_.rpartition(":")[2], args.name))

    def program() -> pulumi.Output[str]:
        opts = pulumi.ResourceOptions(
            parent=pulumi.ComponentResource("test:index:Parent", "parent"),
            provider=kubernetes.Provider("elsewhere", render_yaml_to_directory="unused"),
            protect=True,
            transformations=[marked],
        )
        return ToolGateway("tools", ToolGatewayArgs(routes=[NEWS]), opts).url

    seen: set[tuple[str, str]] = set()
    recorder = run(program)
    assert recorder.request("ToolGateway").parent.endswith("::parent")
    for kind in ("ConfigMap", "Deployment", "Service"):
        request = recorder.request(kind)
        assert request.protect
        assert "::elsewhere::" in request.provider
    assert recorder.request("ToolRoute").protect
    assert seen >= {(kind, "tools") for kind in ("ConfigMap", "Deployment", "Service", "ToolGateway")}
    assert ("ToolRoute", "tools/the-news") in seen


def test_skip_await_reaches_every_object() -> None:
    recorder = gateway(skip_await=True)
    for kind in ("ConfigMap", "Deployment", "Service"):
        assert recorder.inputs(kind)["metadata"]["annotations"].items() >= SKIP_AWAIT.items()


def test_two_gateways_may_have_equal_routes_in_one_program() -> None:
    def program() -> pulumi.Output[Any]:
        made = [ToolGateway(name, ToolGatewayArgs(routes=[NEWS])) for name in ("one", "two")]
        chat = AiGateway("chat", {"models": [{"name": "gpt-4o", "provider": "openai"}]})
        return pulumi.Output.all(chat.url, *(known.routes["the-news"].url for known in made))

    recorder = run(program)
    assert recorder.request("ToolRoute", "one/the-news").parent.endswith("::one")
    assert recorder.request("ToolRoute", "two/the-news").parent.endswith("::two")
