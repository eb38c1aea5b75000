"""Keys as people read them, and which of two objects is older."""

import pytest

from gateway_components.plan.keys import Reference, seniority
from tests.plan.make import key, route_key, tool_key

EARLY, LATE = "2025-01-01T00:00:00Z", "2025-01-01T00:00:01Z"

AGES: tuple[tuple[str | None, str | None, str], ...] = (
    (EARLY, LATE, "the earlier timestamp is the older one"),
    (LATE, None, "what has no timestamp is not on the cluster yet"),
    (LATE, "", "an empty timestamp is none"),
)


@pytest.mark.parametrize(("older", "younger", "why"), AGES, ids=[case[2] for case in AGES])
def test_age(older: str | None, younger: str | None, why: str) -> None:
    assert seniority(older) < seniority(younger), why


def test_keys_say_kind_namespace_and_name() -> None:
    texts = [str(found) for found in (key(), tool_key(), route_key(), Reference("Guard", "team", "pii"))]
    assert texts == [
        "AiGateway team/example",
        "ToolGateway team/tools",
        "ToolRoute team/files",
        "Guard team/pii",
    ]
