"""What a user reads about a faulty manifest, and what they are told to do."""

import pytest

from gateway_components.api.gateways import AiGateway
from gateway_components.api.parse import parse, parse_as, problems
from gateway_components.errors import InputError, dotted
from tests.api.case import MODEL, Manifest, gateway
from tests.api.problem_cases import TELLING


@pytest.mark.parametrize(("manifest", "path", "message", "cure"), TELLING)
def test_problem_names_field_fault_and_cure(manifest: Manifest, path: str, message: str, cure: str) -> None:
    (problem,) = problems(manifest)
    assert (dotted(problem.path), problem.message, problem.cure, problem.severity) == (
        path,
        message,
        cure,
        "error",
    )


def test_all_problems_are_reported_at_once() -> None:
    manifest = gateway(aiModels=[{"name": ""}], port=0, foo=1, metadata={"name": "a"})
    reported = {dotted(problem.path) for problem in problems(manifest)}
    assert reported == {"spec.aiModels[0].name", "spec.aiModels[0].provider", "spec.port", "spec.foo"}


def test_a_right_manifest_has_no_problems() -> None:
    assert problems(gateway()) == ()


def test_a_long_value_is_shortened() -> None:
    (problem,) = problems(gateway(podMetadata={"labels": {"a": "b" * 500}}))
    assert len(problem.message) < 120


def test_parse_gives_the_model_of_the_kind() -> None:
    parsed = parse(gateway(port=None, unknown=1))
    assert isinstance(parsed, AiGateway)
    assert (parsed.metadata.name, parsed.spec.port, parsed.spec.ai_models[0].provider) == (
        "example",
        80,
        "openai",
    )


def test_parse_prunes_snake_case_like_the_api_server() -> None:
    parsed = parse_as(AiGateway, gateway(ai_gateway_class_name="litellm"))
    assert parsed.spec.class_name is None


def test_parse_tells_what_is_wrong() -> None:
    with pytest.raises(InputError, match=r"spec\.port: is 0, which is too small") as caught:
        parse(gateway(port=0))
    assert [problem.field for problem in caught.value.findings] == ["spec.port"]


def test_parse_refuses_a_kind_that_is_not_ours() -> None:
    with pytest.raises(InputError, match="kind"):
        parse({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})


def test_parse_as_takes_the_entry_of_a_list_that_has_no_kind() -> None:
    entry = {"metadata": {"name": "a"}, "spec": {"aiModels": [MODEL]}}
    assert parse_as(AiGateway, entry).kind == "AiGateway"


def test_parse_as_tells_what_is_wrong() -> None:
    with pytest.raises(InputError, match=r"spec\.aiModels"):
        parse_as(AiGateway, {"spec": {}})


def test_broken_status_of_a_file_is_left_out() -> None:
    assert parse_as(AiGateway, gateway(top={"status": {"conditions": [{"type": 1}]}})).status.conditions == ()


def test_without_a_spec_there_are_no_models_and_no_class() -> None:
    spec = parse_as(AiGateway, {"metadata": {"name": "a"}}).spec
    assert (spec.ai_models, spec.class_name, spec.port) == ((), None, 80)


def test_keys_that_yaml_reads_as_numbers_or_booleans_are_text() -> None:
    manifest = gateway(podMetadata={"labels": {7: "a", True: "b"}})
    assert parse_as(AiGateway, manifest).spec.pod_metadata.labels == {"7": "a", "true": "b"}
    assert problems(manifest) == ()
