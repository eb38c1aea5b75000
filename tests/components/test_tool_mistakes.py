"""What a user reads about mistakes in routes and guards."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from gateway_components import (
    BedrockGuardArgs,
    BedrockProviderArgs,
    GuardArgs,
    InputError,
    ModerationGuardArgs,
    ModerationProviderArgs,
    PresidioGuardArgs,
    PresidioProviderArgs,
    ToolGateway,
    ToolGatewayArgs,
    ToolRouteArgs,
)
from tests.components.recorder import run

PRESIDIO = PresidioProviderArgs(base_url="http://presidio:3000")


def late(value: Any) -> Any:
    return pulumi.Output.from_input(0).apply(lambda _: value)


def route(**arguments: Any) -> ToolRouteArgs:
    return ToolRouteArgs(**{"name": "weather", "url": "https://weather.example.com/mcp", **arguments})


def guard(**arguments: Any) -> PresidioGuardArgs:
    return PresidioGuardArgs(**{"name": "pii", "mode": ["pre_call"], "provider": PRESIDIO, **arguments})


def message_of(arguments: Callable[[], Any], *, preview: bool = False) -> str:
    """Return what the engine shows, without the name of the component that every line begins with."""
    with pytest.raises(pulumi.RunError) as caught:
        run(lambda: ToolGateway("tools", arguments()).url, preview=preview)
    assert isinstance(caught.value, InputError)
    lines = str(caught.value).splitlines()
    assert all(line.startswith('ToolGateway "tools": ') for line in lines)
    return "\n".join(line.removeprefix('ToolGateway "tools": ') for line in lines)


def test_a_loopback_upstream_is_refused_unless_it_is_allowed() -> None:
    beside = [route(url="http://localhost:8000/mcp")]
    said = message_of(lambda: ToolGatewayArgs(routes=beside))
    assert said.startswith("routes[0].url: the URL leads to a loopback address")
    assert "allowed_upstreams" in said
    run(
        lambda: (
            ToolGateway("tools", ToolGatewayArgs(routes=beside, allowed_upstreams=late(["localhost"]))).url
        )
    )
    said = message_of(lambda: ToolGatewayArgs(routes=beside, allowed_upstreams=["http://localhost"]))
    assert 'allowed_upstreams[0]: is "http://localhost", which is not a host' in said


ROUTES: dict[str, tuple[Callable[[], Any], str]] = {
    "names that are known too late": (
        lambda: late([route()]),
        "routes: is an Output, but must be a plain list",
    ),
    "a map of routes": (lambda: {"weather": route()}, "routes: is a dict, but must be a plain list"),
    "a route that is known too late": (
        lambda: [late(route())],
        "routes[0]: is an Output, but its name must be",
    ),
    "a name that is known too late": (
        lambda: [route(name=late("weather"))],
        "routes[0].name: is an Output, but must be plain text (write the name in the program)",
    ),
    "a name twice": (
        lambda: [route(), route(name="news"), route()],
        'routes[2].name: is "weather", as that of routes[0] (give each route its own name)',
    ),
    "a name no object has": (
        lambda: [route(name="My_Route")],
        'routes[0].name: is "My_Route", which is not a valid object name',
    ),
    "no upstream": (
        lambda: [route(url=None)],
        "routes[0]: has neither server nor url (give exactly one of them)",
    ),
    "no upstream in the end": (lambda: [route(url=late(None))], "routes[0]: has neither server nor url"),
    "two upstreams": (lambda: [route(server={"name": "a"})], "routes[0]: has both server and url"),
    "another scheme": (
        lambda: [route(), route(name="b", url="ftp://example.com")],
        "routes[1].url: is not an http or https URL",
    ),
    "no host": (lambda: [route(url=late("http:///mcp"))], "routes[0].url: "),
    "a password in the URL": (
        lambda: [route(url="https://me:hunter2@example.com/mcp")],
        "routes[0].url: the URL holds a user or password",
    ),
    "a route to itself": (
        lambda: [route(url="http://tools.default/mcp/default__weather")],
        "routes[0].url: the URL loops back to this route",
    ),
    "tools that are no list": (
        lambda: [route(allow="a")],
        'routes[0].allow: is the text "a", but must be a list',
    ),
    "a tool that is no text": (lambda: [route(deny=late([1]))], "routes[0].deny[0]: is the number 1"),
    "a misspelt argument": (
        lambda: [{"name": "a", "ulr": "http://a"}],
        "routes[0].ulr: is no argument (did you mean url?)",
    ),
    "a route without a name": (lambda: [{"url": "http://a"}], "routes[0].name: is required but missing"),
    "a server that is a name": (
        lambda: [route(url=None, server="weather")],
        "routes[0].server: is a str (give a ToolServerArgs or a map)",
    ),
    "a port that is none": (
        lambda: [route(url=None, server={"name": "a", "port": late(0)})],
        "routes[0].server.port: is 0, which is too small",
    ),
    "a transport that is none": (
        lambda: [route(url=None, server={"name": "a", "transport_type": "ws"})],
        "routes[0].server.transport_type: is \"ws\" (use 'http' or 'sse')",
    ),
    "a namespace that is none": (
        lambda: [route(url=None, server=late({"name": "a", "namespace": "Team A"}))],
        'routes[0].server.namespace: is "Team A", which is not a valid namespace name',
    ),
    "two servers of one name": (
        lambda: [
            route(url=None, server={"name": "a"}),
            route(name="b", url=None, server={"name": "a", "port": 1}),
        ],
        'routes[1].server.name: is "a", the name of another one with other settings',
    ),
}

GUARDS: dict[str, tuple[Callable[[], Any], str]] = {
    "no list": (guard, "guardrails: is a PresidioGuardArgs, but must be a list"),
    "a name": (
        lambda: late(["pii"]),
        "guardrails[0]: is a str (give a PresidioGuardArgs, a ModerationGuardArgs",
    ),
    "a guard of no service": (
        lambda: [GuardArgs(name="a", mode=["pre_call"])],
        "guardrails[0]: is a GuardArgs",
    ),
    "the provider of another service": (
        lambda: [guard(provider=BedrockProviderArgs(region="eu-central-1"))],
        "guardrails[0].provider: is a BedrockProviderArgs (give a PresidioProviderArgs or a map)",
    ),
    "a map without a provider": (lambda: [{"name": "a"}], "guardrails[0].provider: is required but missing"),
    "a map without a type": (
        lambda: [{"name": "a", "mode": ["pre_call"], "provider": {"base_url": "http://a"}}],
        "guardrails[0].provider.type: is required but missing (use one of presidio-api, openai-moderation-api",
    ),
    "a map with an unknown type": (
        lambda: [{"name": "a", "mode": ["pre_call"], "provider": late({"type": "presidio"})}],
        'guardrails[0].provider.type: is "presidio" (use one of presidio-api',
    ),
    "a setting of another service": (
        lambda: [{"name": "a", "mode": ["pre_call"], "provider": PRESIDIO, "guardrail_id": "abc"}],
        "guardrails[0].guardrail_id: is no argument",
    ),
    "an unknown mode": (
        lambda: [guard(mode=late(["before"]))],
        "guardrails[0].mode[0]: is \"before\" (use 'pre_call', 'post_call' or 'during_call')",
    ),
    "no mode": (lambda: [guard(mode=[])], "guardrails[0].mode: is an empty list"),
    "a text that names a variable": (
        lambda: [guard(language="os.environ/OPENAI_API_KEY")],
        "guardrails[0]: Guard default/pii with GuardrailProvider default/pii: the Guard's spec.presidio.language",
    ),
    "an anonymizer that nobody can call": (
        lambda: [guard(provider=PresidioProviderArgs(base_url="http://a", anonymizer_url="b:3000"))],
        "guardrails[0]: Guard default/pii with GuardrailProvider default/pii: the provider's metadata.annotations",
    ),
    "an anonymizer that is no text": (
        lambda: [guard(provider={"base_url": "http://a", "anonymizer_url": 3000})],
        "guardrails[0].provider.anonymizer_url: ",
    ),
    "a score that is none": (
        lambda: [guard(score_thresholds={"ALL": 2})],
        "guardrails[0]: Guard default/pii",
    ),
    "a score that is a list": (
        lambda: [guard(score_thresholds={"ALL": [0.5]})],
        "guardrails[0].score_thresholds.ALL: is a list, but must be text",
    ),
    "an unknown action": (lambda: [guard(entity_actions={"A": "HIDE"})], "guardrails[0]: Guard default/pii"),
    "a URL that is none": (
        lambda: [guard(), guard(name="b", provider={"base_url": "presidio"})],
        "guardrails[1].provider.base_url: is no URL",
    ),
    "a name twice": (
        lambda: [guard(), guard(language="de")],
        'guardrails[1].name: is "pii", the name of another one with other settings',
    ),
    "a name no object has": (
        lambda: [guard(name="P I")],
        'guardrails[0].name: is "P I", which is not a valid object name',
    ),
    "a misspelt key of a Secret": (
        lambda: [
            ModerationGuardArgs(
                name="m",
                mode=["pre_call"],
                provider=ModerationProviderArgs(api_key_secret_ref={"nam": "a", "key": "b"}),
            )
        ],
        "guardrails[0].provider.api_key_secret_ref.nam: is not a field of this kind (did you mean name?)",
    ),
    "a Secret without a name": (
        lambda: [
            BedrockGuardArgs(
                name="b",
                mode=["pre_call"],
                provider=BedrockProviderArgs(region="eu-central-1", credentials_secret_ref={}),
                guardrail_id="abc",
            )
        ],
        "guardrails[0]: Guard default/b with GuardrailProvider default/b: ",
    ),
}


@pytest.mark.parametrize("mistake", ROUTES)
def test_a_mistake_in_a_route_names_argument_and_cure(mistake: str) -> None:
    routes, message = ROUTES[mistake]
    found = message_of(lambda: ToolGatewayArgs(routes=routes()))
    assert found.startswith(message)
    assert "\n" not in found
    assert found.endswith(")")
    assert "hunter2" not in found


@pytest.mark.parametrize("mistake", GUARDS)
def test_a_mistake_in_a_guard_names_argument_and_cure(mistake: str) -> None:
    guards, message = GUARDS[mistake]
    found = message_of(lambda: ToolGatewayArgs(guardrails=guards()))
    assert found.startswith(message)
    assert "\n" not in found
    assert found.endswith(")")


SECRETS: dict[str, Callable[[Any], Any]] = {
    "routes[0].url": lambda secret: {"routes": [route(url=secret)]},
    "routes[0].deny": lambda secret: {"routes": [route(deny=["a", secret])]},
    "routes[0].server": lambda secret: {"routes": [route(url=None, server={"name": secret})]},
    "guardrails[0].language": lambda secret: {"guardrails": [guard(language=secret)]},
    "guardrails[0].provider": lambda secret: {"guardrails": [guard(provider={"base_url": secret})]},
    "guardrails": lambda secret: {"guardrails": secret.apply(lambda known: [guard(language=known)])},
}


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("argument", SECRETS)
def test_a_secret_is_kept_out_of_the_config_map(argument: str, preview: bool) -> None:
    def arguments() -> Any:
        return SECRETS[argument](pulumi.Output.secret("hunter2"))

    found = message_of(arguments, preview=preview)
    assert found.startswith(f"{argument}: holds a secret, which anyone who can read ConfigMaps would see")
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "arguments", [{"config_patch": {"a": "\ud800"}}, {"routes": [route(allow=["\ud800"])]}]
)
def test_half_a_character_is_refused(arguments: dict[str, Any]) -> None:
    assert "a lone surrogate" in message_of(lambda: arguments)


def test_every_mistake_is_reported_at_once() -> None:
    found = message_of(
        lambda: ToolGatewayArgs(
            name="My_Gateway",
            routes=[route(url="ftp://a"), route(name="b", allow="c")],
            guardrails=[guard(mode=[])],
        )
    )
    fields = {line.partition(": ")[0] for line in found.splitlines()}
    assert fields == {"name", "routes[0].url", "routes[1].allow", "guardrails[0].mode"}


def test_every_route_that_cannot_be_served_is_reported_at_once() -> None:
    loop = "http://tools.default/mcp/default__"
    found = message_of(
        lambda: ToolGatewayArgs(routes=[route(url=f"{loop}weather"), route(name="b", url=f"{loop}b")])
    )
    assert [line.partition(": ")[0] for line in found.splitlines()] == ["routes[0].url", "routes[1].url"]


def test_a_route_that_the_patch_takes_away_is_named() -> None:
    patch = {"mcp_servers": {"default__weather": None}}
    found = message_of(lambda: ToolGatewayArgs(routes=[route()], config_patch=patch))
    assert found.startswith("routes[0]: the config patch ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"route": []}, "route: is no argument (did you mean routes?)"),
        ({"port": 80}, "port: is no argument"),
        ("weather", "the arguments are a str (give a ToolGatewayArgs or a map)"),
    ],
)
def test_arguments_of_another_shape_are_refused(arguments: Any, message: str) -> None:
    assert message_of(lambda: arguments).startswith(message)
