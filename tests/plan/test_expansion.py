"""References between variables, `$(NAME)`: those that Kubernetes leaves as they are, and those that it replaces."""

from typing import Any

import pytest

from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.plan.findings import WarningReason
from gateway_components.plan.plan import plan
from gateway_components.plan.snapshot import Content
from tests.plan.make import gateway, key, snapshot

KNOWN, GONE = Identity("Secret", "team", "known"), Identity("Secret", "team", "gone")
CONTENTS = {KNOWN: Content("1", keys=frozenset(("KEY",)))}

Env = list[dict[str, Any]]


def _reported(env: Env, **spec: Any) -> list[Finding]:
    found = snapshot(gateway(env=env, **spec), contents=CONTENTS, absent=frozenset((GONE,)))
    warnings = plan(found).gateways[key()].warnings
    return [one for one in warnings if one.reason == WarningReason.VARIABLE_NOT_REPLACED]


def _value(value: str, name: str = "URL") -> dict[str, Any]:
    return {"name": name, "value": value}


def _secret(name: str, secret: str, key_: str = "KEY", *, optional: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "valueFrom": {"secretKeyRef": {"name": secret, "key": key_, "optional": optional}},
    }


LEFT: tuple[tuple[Env, dict[str, Any], str], ...] = (
    ([_value("$(HOST)"), _value("x", "HOST")], {}, "it comes later"),
    ([_value("$(HOST)")], {}, "nobody sets it"),
    ([_value("a$(URL)")], {}, "it names itself"),
    ([_value("$(HOME)")], {}, "the image sets it, of which a kubelet knows nothing"),
    ([_value("$$$(HOST)")], {}, "two dollar signs are one, and then comes a reference"),
    ([_secret("HOST", "known", "LOST", optional=True), _value("$(HOST)")], {}, "its key may be absent"),
    ([_secret("HOST", "gone", optional=True), _value("$(HOST)")], {}, "its Secret may be absent"),
    ([_value("$(HOST)")], {"envFrom": [{"secretRef": {"name": "known"}}]}, "no source has it"),
    (
        [_value("$(KEY)")],
        {"envFrom": [{"secretRef": {"name": "known"}, "prefix": "A_"}]},
        "the source gives it another name",
    ),
    ([_value("$(host)"), _value("x", "HOST")], {}, "capitals count"),
)


@pytest.mark.parametrize(("env", "spec", "why"), LEFT, ids=[case[2] for case in LEFT])
def test_a_reference_that_is_left_as_it_is_is_reported(env: Env, spec: dict[str, Any], why: str) -> None:
    (warning,) = _reported(env, **spec)
    position = next(position for position, one in enumerate(env) if one["name"] == "URL")
    assert warning.field == f"spec.env[{position}].value", why


REPLACED: tuple[tuple[Env, dict[str, Any], str], ...] = (
    ([_value("x", "HOST"), _value("$(HOST)")], {}, "it comes before"),
    ([_value("", "HOST"), _value("$(HOST)")], {}, "it is empty, and so is what stands in its place"),
    ([_value("$(OPENAI_API_KEY)")], {}, "a generated variable comes before all of the user's"),
    ([_value("$(PROMETHEUS_MULTIPROC_DIR)")], {}, "and so does this one"),
    ([_secret("HOST", "known"), _value("$(HOST)")], {}, "it comes from a Secret"),
    ([_secret("HOST", "elsewhere", optional=True), _value("$(HOST)")], {}, "perhaps from a Secret"),
    ([_value("$(KEY)")], {"envFrom": [{"secretRef": {"name": "known"}}]}, "a source has it"),
    ([_value("$(KEY)", "KEY")], {"envFrom": [{"secretRef": {"name": "known"}}]}, "and gives it first"),
    ([_value("$(ANY)")], {"envFrom": [{"secretRef": {"name": "elsewhere"}}]}, "perhaps a source has it"),
    ([_value("$(KUBERNETES_SERVICE_HOST)")], {}, "Kubernetes sets it"),
    ([_value("$$(HOST)")], {}, "the text itself is meant"),
    ([_value("$HOST ${HOST} (HOST) $(HOST")], {}, "no reference at all"),
    ([_value("$(HOST)", "PROMETHEUS_MULTIPROC_DIR")], {}, "the variable itself is left out"),
    ([_value("$(HOST)"), _value("x")], {}, "of two variables with one name the last holds"),
)


@pytest.mark.parametrize(("env", "spec", "why"), REPLACED, ids=[case[2] for case in REPLACED])
def test_a_reference_that_is_replaced_is_not_reported(env: Env, spec: dict[str, Any], why: str) -> None:
    assert _reported(env, **spec) == [], why


def test_a_reference_to_a_later_variable_says_what_to_move() -> None:
    (warning,) = _reported([_value("http://$(HOST):$(HOST)"), _value("x", "HOST")])
    assert str(warning) == (
        'Kubernetes does not expand "$(HOST)" in the variable "URL", since "HOST" comes after it (field '
        "spec.env[0].value; move that variable in front of this one, or write $$ for $ to keep this text as it is)"
    )


def test_a_reference_to_a_variable_without_a_value_says_so() -> None:
    (warning,) = _reported([_secret("HOST", "gone", optional=True), _value("$(HOST)")])
    assert warning.message.endswith('in the variable "URL", since "HOST" has no value')


def test_what_is_no_name_of_a_variable_is_not_shown() -> None:
    (warning,) = _reported([_value("pass$(wo!rd)")])
    assert "wo!rd" not in str(warning)
