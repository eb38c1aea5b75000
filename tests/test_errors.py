"""The text of errors."""

from gateway_components.errors import InputError, Problem, YamlError
from gateway_components.plan.failure import Failure, Reason


def test_problem_is_field_message_and_cure() -> None:
    assert str(Problem("spec.port", "is 0", "use 80")) == "spec.port: is 0 (use 80)"
    assert str(Problem("", "is no object")) == "is no object"


def test_input_error_tells_all_its_problems() -> None:
    error = InputError(Problem("a", "b"), Problem("c", "d", "e"))
    assert str(error) == "a: b; c: d (e)"
    assert [problem.field for problem in error.problems] == ["a", "c"]


def test_yaml_error_tells_its_place() -> None:
    assert str(YamlError("is wrong", 3, 7)) == "line 3, column 7: is wrong"


def test_failure_is_message_field_and_cure() -> None:
    assert str(Failure(Reason.NAME_CONFLICT, "m", field="f", cure="c")) == "m (field f; c)"
    assert str(Failure(Reason.NAME_CONFLICT, "m", cure="c")) == "m (c)"
    assert str(Failure(Reason.NAME_CONFLICT, "m")) == "m"


def test_failures_of_equal_content_are_equal() -> None:
    one, two = (Failure(Reason.NAME_CONFLICT, "m", field="f") for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Failure(Reason.NAME_CONFLICT, "m", field="g")
