"""Whole plans against the files below ``golden``, and what must hold in every one of them.

``pytest tests/plan --regenerate`` writes the expected plans anew; read the difference before it is kept.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from gateway_components import strict_yaml
from gateway_components.plan.findings import Reason, WarningReason
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.plan import GatewayPlan, plan
from gateway_components.plan.routes import RoutePlan
from tests.plan.golden_case import CASES, GoldenCase

CREDENTIALS = {"api_key", "aws_access_key_id", "aws_secret_access_key"}
PASSWORD = "hunter2"
HASH = "runtime.agentic-layer.ai/config-hash"

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def _all_objects(case: GoldenCase) -> Iterator[tuple[str, GatewayObjects]]:
    for key, planned in case.plan.gateways.items():
        if planned.objects is not None:
            yield key.name, planned.objects


def _config(objects: GatewayObjects) -> Any:
    return yaml.safe_load(objects.config_map["data"]["config.yaml"])


@every_case
def test_plan_is_the_expected_one(case: GoldenCase, pytestconfig: pytest.Config) -> None:
    text = strict_yaml.dump(case.report())
    if pytestconfig.getoption("--regenerate"):
        case.out.write_text(text, encoding="utf-8")
    assert case.out.read_text(encoding="utf-8") == text


PLANNED = {
    Reason.CONFIG_GENERATION_FAILED,
    Reason.GUARDRAILS_RESOLUTION_FAILED,
    Reason.CONFIG_PATCH_INVALID,
    Reason.NAME_CONFLICT,
    Reason.UPSTREAM_UNRESOLVED,
    Reason.DUPLICATE_SERVER_NAME,
    Reason.GATEWAY_NOT_FOUND,
    Reason.GATEWAY_DEGRADED,
    Reason.REFERENCE_NOT_PERMITTED,
    Reason.ROUTE_TOO_LARGE,
    Reason.TOOL_FILTER_INVALID,
}
"""Reasons for which a plan fails; the others come from applying it."""


def test_success_and_every_failure_and_warning_have_a_case() -> None:
    outcomes: list[GatewayPlan | RoutePlan] = []
    for case in CASES:
        outcomes += [*case.plan.gateways.values(), *case.plan.routes.values()]
    failures = {planned.failure and planned.failure.reason for planned in outcomes}
    assert failures == {None, *PLANNED}
    warnings = {warning.reason for planned in outcomes for warning in planned.warnings}
    # What keeps pods from coming is no part of a plan, and a hundred warnings make no case that anybody reads.
    assert warnings == set(WarningReason) - {WarningReason.ROLLOUT_STALLED, WarningReason.MORE_WARNINGS}


@every_case
def test_each_route_has_a_url_or_a_failure_with_field_and_cure(
    case: GoldenCase,
) -> None:
    for planned in case.plan.routes.values():
        if planned.gateway is None:
            assert (planned.url, planned.failure) == (None, None)
            continue
        assert (planned.url is None) == (planned.failure is not None)
        assert planned.failure is None or (planned.failure.field and planned.failure.cure)


@every_case
def test_routes_with_a_url_are_in_the_config_of_their_gateway(case: GoldenCase) -> None:
    for key, planned in case.plan.gateways.items():
        if planned.objects is None or key.kind != "ToolGateway":
            continue
        servers = _config(planned.objects).get("mcp_servers") or ()
        routes = [route for route in case.plan.routes.values() if route.gateway == key]
        assert {route.server for route in routes if route.url} == {
            server for server in servers if server in {route.server for route in routes}
        }
        for route in routes:
            if route.url:
                assert route.url.removeprefix(planned.objects.url) == f"/mcp/{route.server}"


@every_case
def test_a_gateway_has_either_objects_or_a_failure(case: GoldenCase) -> None:
    for planned in case.plan.gateways.values():
        assert (planned.objects is None) == (planned.failure is not None)


@every_case
def test_no_secret_value_and_no_password_stands_in_a_plan(case: GoldenCase) -> None:
    written = repr(case.plan) + strict_yaml.dump(case.report())
    assert not [value for value in (*case.secret_values(), PASSWORD) if value in written]


@every_case
def test_credentials_come_from_variables_of_the_container(case: GoldenCase) -> None:
    for _, objects in _all_objects(case):
        (container,) = objects.deployment["spec"]["template"]["spec"]["containers"]
        variables = {variable["name"] for variable in container["env"]} | case.keys()
        config = _config(objects)
        for entry in (*config.get("model_list", ()), *config.get("guardrails", ())):
            for name, value in entry["litellm_params"].items():
                if name in CREDENTIALS:
                    prefix, _, variable = value.partition("/")
                    assert prefix == "os.environ"
                    assert variable in variables


@every_case
def test_objects_bear_the_names_that_follow_from_their_gateway(case: GoldenCase) -> None:
    for name, objects in _all_objects(case):
        names = [manifest["metadata"]["name"] for manifest in objects.manifests]
        assert names == [f"{name}-config", name, name]
        assert objects.deployment["spec"]["template"]["metadata"]["labels"]["app"] == name


@every_case
def test_config_hash_is_that_of_the_config(case: GoldenCase) -> None:
    for _, objects in _all_objects(case):
        text = objects.config_map["data"]["config.yaml"]
        annotations: Mapping[str, str] = objects.deployment["spec"]["template"]["metadata"]["annotations"]
        assert annotations[HASH] == hashlib.sha256(text.encode()).hexdigest()[:16]


@every_case
def test_environment_is_unique_and_ends_with_the_users_variables(case: GoldenCase) -> None:
    for gateway in case.snapshot().gateways:
        planned = case.plan.gateways.get(gateway.identity)
        if planned is None or planned.objects is None:
            continue
        (container,) = planned.objects.deployment["spec"]["template"]["spec"]["containers"]
        names = [variable["name"] for variable in container["env"]]
        given = {variable.name for variable in gateway.spec.env} - {"PROMETHEUS_MULTIPROC_DIR"}
        generated = names[: len(names) - len(given)]
        assert generated == sorted(set(generated))
        assert set(names[len(generated) :]) == given


@every_case
def test_plan_does_not_depend_on_the_order_of_objects(case: GoldenCase) -> None:
    again = plan(case.snapshot(reverse=True))
    assert again == case.plan
    assert list(again.gateways) == list(case.plan.gateways)
    assert list(again.routes) == list(case.plan.routes)


@every_case
def test_every_object_survives_yaml(case: GoldenCase) -> None:
    for _, objects in _all_objects(case):
        for manifest in objects.manifests:
            assert yaml.safe_load(strict_yaml.dump(manifest)) == manifest
            assert strict_yaml.parse(strict_yaml.dump(manifest)) == manifest
