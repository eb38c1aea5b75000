"""The text of errors, which may quote what a tenant wrote: it ends somewhere."""

import pytest

from gateway_components.errors import (
    BOUND,
    Finding,
    InputError,
    InText,
    YamlError,
    dotted,
    listed,
    missing_right,
    render,
    shortened,
)
from gateway_components.plan.findings import Failure, Reason


def test_a_finding_is_field_message_and_cure() -> None:
    whole = Finding((), "is no object")
    assert render(Finding(("spec", "port"), "is 0", "use 80"), field_first=True) == "spec.port: is 0 (use 80)"
    assert render(whole, field_first=True) == str(whole) == "is no object"


def test_a_finding_within_a_text_names_that_first() -> None:
    inside = InText("key patch.yaml", ("model_list", 0))
    assert str(Finding(("spec",), "is wrong", inside=inside)) == "key patch.yaml: is wrong (field spec)"


def test_a_path_is_written_as_the_api_server_does() -> None:
    assert dotted(("spec", "aiModels", 0, "name")) == "spec.aiModels[0].name"
    assert dotted(("metadata", "labels", "a.b/c")) == "metadata.labels[a.b/c]"


def test_input_error_tells_all_its_problems() -> None:
    error = InputError(Finding(("a",), "b"), Finding(("c",), "d", "e"))
    assert str(error) == "a: b; c: d (e)"
    assert [problem.field for problem in error.findings] == ["a", "c"]


def test_yaml_error_tells_its_place() -> None:
    assert str(YamlError("is wrong", 3, 7)) == "line 3, column 7: is wrong"


def test_failure_is_message_field_and_cure() -> None:
    assert str(Failure(Reason.NAME_CONFLICT, "m", path=("f",), cure="c")) == "m (field f; c)"
    assert str(Failure(Reason.NAME_CONFLICT, "m", cure="c")) == "m (c)"
    assert str(Failure(Reason.NAME_CONFLICT, "m")) == "m"


def test_failures_of_equal_content_are_equal() -> None:
    one, two = (Failure(Reason.NAME_CONFLICT, "m", path=("f",)) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Failure(Reason.NAME_CONFLICT, "m", path=("g",))


def test_a_text_without_end_is_cut_and_says_how_long_it_was() -> None:
    assert shortened("short") == "short"
    assert shortened("x" * 100_000) == "x" * 4_096 + "… (100000 characters)"


def test_of_many_names_the_first_are_listed() -> None:
    assert listed([]) == "none"
    assert listed("abc") == "a, b, c"
    assert listed(str(number) for number in range(4_000)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3990 more"
    assert len(listed(["x" * 100_000])) < 300


def test_of_many_problems_the_first_are_shown_and_all_are_kept() -> None:
    error = InputError(
        *(Finding((f"spec.env[{number}]",), "is no text" + "!" * 9_000) for number in range(500))
    )
    assert str(error).endswith("and 480 more problems")
    assert len(str(error)) < 100_000
    assert len(error.findings) == 500


USER = 'User "system:serviceaccount:system:gateways"'

CASES = [
    (
        f'secrets is forbidden: {USER} cannot watch resource "secrets" in API group "" at the cluster scope',
        'the verb "watch" on "secrets" in all namespaces',
        "what belongs to the oldest group has no suffix",
    ),
    (
        f'{USER} cannot patch resource "deployments" in API group "apps" in the namespace "team-a"',
        'the verb "patch" on "deployments.apps" in namespace team-a',
        "as `kubectl auth can-i` takes it",
    ),
    (
        'cannot patch resource "aigateways/status" in API group "runtime.agentic-layer.ai" in the namespace "a"',
        'the verb "patch" on "aigateways/status.runtime.agentic-layer.ai" in namespace a',
        "a part of an object is a resource of its own",
    ),
    (
        "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on",
        'the verb "update" on the finalizers of gateways',
        "an admission plugin says neither verb nor resource",
    ),
    (
        f"ValidatingAdmissionPolicy 'x' denied request: the account of litellm-gateways {BOUND}: why",
        "apply deploy/rbac of this version",
        "the policy of an installation may be older than the daemon",
    ),
    ('pods "x" is forbidden: exceeded quota', "", "no right is missing"),
    ("", "", "nothing is said"),
]


@pytest.mark.parametrize(("message", "cure", "why"), CASES)
def test_the_missing_right_is_named(message: str, cure: str, why: str) -> None:
    assert cure in missing_right(message), why
    assert bool(cure) == bool(missing_right(message))
