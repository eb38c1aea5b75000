from enum import StrEnum
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import EnvVarArgs

from gateway_components.components.args import MetadataArgs
from gateway_components.components.inputs import camel_keys, plain
from tests.components.recorder import run, secrecy_of, value_of


class Color(StrEnum):
    RED = "red"


def test_what_is_known_stays_known() -> None:
    value = {"a": [1, None, ("b",)], "c": Color.RED, "d": MetadataArgs(labels={"e_f": "g"})}
    assert plain(value) == {"a": [1, None, ["b"]], "c": "red", "d": {"labels": {"e_f": "g"}}}
    assert type(plain(Color.RED)) is str


def test_an_output_anywhere_makes_one_output_of_the_whole() -> None:
    def program() -> pulumi.Output[Any]:
        inner = pulumi.Output.from_input([EnvVarArgs(name="A", value=pulumi.Output.from_input("b"))])
        result = plain({"x": [{"y": inner}], "z": None})
        assert isinstance(result, pulumi.Output)
        return result

    assert value_of(program) == {"x": [{"y": [{"name": "A", "value": "b"}]}], "z": None}


def test_keys_become_text_as_in_json() -> None:
    assert value_of(lambda: plain({2: pulumi.Output.from_input("a"), True: "b"})) == {"2": "a", "true": "b"}


def test_secrets_stay_secret_however_deep() -> None:
    secret: list[Any] = []

    def program() -> pulumi.Output[Any]:
        deep = plain({"a": pulumi.Output.from_input({"b": [pulumi.Output.secret("c")]})})
        return secrecy_of(deep).apply(secret.append)

    run(program)
    assert secret == [True]


def test_keys_of_fields_become_camel_case_at_every_depth() -> None:
    given = [{"value_from": {"secretKeyRef": {"name": "my_name"}}}]
    assert camel_keys(given) == [{"valueFrom": {"secretKeyRef": {"name": "my_name"}}}]
