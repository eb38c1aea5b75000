"""What a user of the component gets to read; that the engine shows it alone is tested with the real one."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs, InputError, ToolGatewayArgs
from tests.components.recorder import Recorder, run, value_of

MODEL = AiModelArgs(name="gpt-4o", provider="openai")

MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"models": []}, "models: is an empty list (give it an entry)"),
    "model without provider": (
        {"models": [{"name": "gpt-4o"}]},
        "models[0].provider: is required but missing (add provider there)",
    ),
    "models as text": ({"models": "gpt-4o"}, 'models: is the text "gpt-4o", but must be a list'),
    "port too large": ({"port": 70000}, "port: is 70000, which is too large (use 65535 or less)"),
    "name no Service can have": (
        {"name": "My_Gateway"},
        'name: is "My_Gateway", which is not a valid object name',
    ),
    "misspelt field of a variable": (
        {"env": [{"name": "A", "valeu": "b"}]},
        "env[0].valeu: is not a field of this kind (did you mean value?)",
    ),
    "label no object can have": ({"pod_metadata": {"labels": {"a": "b c"}}}, "pod_metadata.labels"),
    "namespace that is none": (
        {"namespace": "Team A"},
        'namespace: is "Team A", which is not a valid namespace name',
    ),
    "image that is none": (
        {"image": "https://a/b"},
        'image: is "https://a/b", which is not an image reference',
    ),
    "trigger with a foreign value": ({"restart_on": {"a": [{1}]}}, "restart_on.a[0]: is a set, which JSON"),
    "patch that is a list": ({"config_patch": ["a"]}, "config_patch: is a list, but must be a map"),
    "patch with a foreign value": (
        {"config_patch": {"router_settings": {"a": [1, {2}]}}},
        "config_patch.router_settings.a[1]: is a set, which JSON cannot hold",
    ),
    "patch with infinity": ({"config_patch": {"a": float("inf")}}, "config_patch.a: is a float"),
    "key that is no text": (
        {"api_keys": {"OPENAI_API_KEY": None}},
        "api_keys.OPENAI_API_KEY: is a NoneType, but must be text",
    ),
}


def as_given(value: Any) -> Any:
    return value


def as_output(value: Any) -> Any:
    return pulumi.Output.from_input(0).apply(lambda _: value)


@pytest.mark.parametrize("given", [as_given, as_output])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_component_argument_and_cure(mistake: str, given: Callable[[Any], Any]) -> None:
    arguments, message = MISTAKES[mistake]

    def program() -> pulumi.Output[str]:
        known = {"models": [MODEL], **{name: given(value) for name, value in arguments.items()}}
        return AiGateway("chat", AiGatewayArgs(**known)).url

    with pytest.raises(pulumi.RunError) as caught:
        run(program)
    assert isinstance(caught.value, InputError)
    assert str(caught.value).startswith(f'AiGateway "chat": {message}')


def test_a_mistake_known_at_once_is_raised_by_the_constructor() -> None:
    raised: list[InputError] = []

    def program() -> None:
        late = pulumi.Output.from_input("team-a")
        try:
            AiGateway("chat", AiGatewayArgs(models=[MODEL], port=0))
        except InputError as error:
            raised.append(error)
        AiGateway("late", AiGatewayArgs(models=[MODEL], namespace=late))

    assert run(program).kinds() == ["AiGateway", "ConfigMap", "Deployment", "Service"]
    assert len(raised) == 1


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        run(lambda: AiGateway("chat", AiGatewayArgs(models=[], port=0, env=[{"value": "a"}])))
    assert {problem.field for problem in caught.value.findings} == {"models", "port", "env[0].name"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modles": []}, "modles: is no argument (did you mean models?)"),
        ({}, "models: is required but missing (add it)"),
        (["gpt-4o"], "the arguments are a list (give an AiGatewayArgs or a map)"),
        (ToolGatewayArgs(), "the arguments are a ToolGatewayArgs (give an AiGatewayArgs or a map)"),
    ],
)
def test_arguments_of_another_shape_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        run(lambda: AiGateway("chat", arguments))
    assert str(caught.value).startswith(f'AiGateway "chat": {message}')


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("argument", ["config_patch", "models"])
def test_a_secret_is_kept_out_of_the_config_map(argument: str, preview: bool) -> None:
    def program() -> pulumi.Output[str]:
        secret = pulumi.Output.secret("sk-hunter2")
        known: dict[str, Any] = {
            "models": [MODEL],
            "config_patch": {"general_settings": {"master_key": secret}},
        }
        if argument == "models":
            known = {"models": [{"name": secret, "provider": "openai"}]}
        return AiGateway("chat", AiGatewayArgs(**known)).url

    with pytest.raises(pulumi.RunError, match=f"{argument}: holds a secret") as caught:
        run(program, preview=preview)
    assert "os.environ/NAME" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_what_is_declared_no_secret_may_stand_in_the_patch() -> None:
    def program() -> Recorder | pulumi.Output[str]:
        public = pulumi.Output.unsecret(pulumi.Output.secret("least-busy"))
        patch = {"router_settings": {"routing_strategy": public}}
        return AiGateway("chat", AiGatewayArgs(models=[MODEL], config_patch=patch)).url

    assert "routing_strategy: least-busy" in run(program).inputs("ConfigMap")["data"]["config.yaml"]


def test_the_value_of_a_key_is_never_shown() -> None:
    with pytest.raises(InputError) as caught:
        value_of(lambda: AiGateway("chat", AiGatewayArgs(models=[MODEL], api_keys={"A": 4711})).url)  # type: ignore[dict-item]
    assert "4711" not in str(caught.value)
