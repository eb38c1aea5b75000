"""A plan that is helped by an earlier one is the plan, whatever changed in between."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.plan import config
from gateway_components.plan.generate import Generated, generate
from gateway_components.plan.plan import PlanMemo, plan
from gateway_components.plan.snapshot import Snapshot
from tests.plan.make import gateway, key, route, route_key, snapshot, tool_gateway, tool_key
from tests.plan.strategies import snapshots, whole

PARTS = [field.name for field in fields(Snapshot)]


@whole
@given(one=snapshots(), other=snapshots(), steps=st.lists(st.sets(st.sampled_from(PARTS)), max_size=5))
def test_a_plan_with_a_memory_is_the_plan(one: Snapshot, other: Snapshot, steps: list[set[str]]) -> None:
    memo = PlanMemo()
    for changed in ({*()}, *steps, set(PARTS)):
        mixed = replace(one, **{name: getattr(other, name) for name in changed})
        assert plan(mixed, memo=memo) == plan(mixed)
        assert plan(mixed, memo=memo) == plan(mixed), "again, when all is known"


def test_an_edit_plans_no_other_gateway() -> None:
    made: list[str] = []

    def counted(*inputs: Any) -> Generated:
        made.append(inputs[0].metadata.name)
        return generate(*inputs)

    memo = PlanMemo()
    before = plan(snapshot(gateway(), tool_gateway()), counted, memo)
    edited = plan(snapshot(gateway(), tool_gateway(env=[{"name": "A", "value": "b"}])), counted, memo)

    assert made == [key().name, tool_key().name, tool_key().name]
    assert edited.gateways[key()] is before.gateways[key()]
    assert edited.gateways[tool_key()] != before.gateways[tool_key()]


def test_room_is_shared_by_what_was_planned_before_too() -> None:
    long = [{"name": f"V{number}", "value": "x" * 30_000} for number in range(25)]
    crowd = [gateway(f"g{number}", uid=f"u{number}", env=long) for number in range(8)]
    memo = PlanMemo()
    assert plan(snapshot(*crowd[:4]), memo=memo) == plan(snapshot(*crowd[:4]))

    planned = plan(snapshot(*crowd), memo=memo)

    assert planned == plan(snapshot(*crowd))
    assert any(one.failure for one in planned.gateways.values()), "there is no room for all of them"


def test_a_route_that_was_made_anew_gives_way_to_older_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*days: int) -> Snapshot:
        routes = (
            route(f"r{place}", created=f"2026-01-{day:02}T00:00:00Z", toolFilter={"allow": ["x" * 900]})
            for place, day in enumerate(days)
        )
        return snapshot(tool_gateway(), *routes)

    monkeypatch.setattr(config, "LARGEST", 2_000)
    memo = PlanMemo()
    assert plan(made(1, 2), memo=memo).routes[route_key("r1")].failure

    planned = plan(made(3, 2), memo=memo)

    assert planned == plan(made(3, 2))
    assert planned.routes[route_key("r0")].failure
    assert not planned.routes[route_key("r1")].failure
