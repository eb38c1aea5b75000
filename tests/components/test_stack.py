from collections.abc import Iterator, Mapping
from pathlib import Path

import pulumi
import pytest

from gateway_components.components.stack import stack_provider

WEST = {"gateways:context": "west"}


@pytest.fixture(autouse=True)
def _no_configuration_is_left() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


@pytest.mark.parametrize(
    ("configured", "render_to", "message"),
    [
        pytest.param(
            WEST, "rendered", "gateways:renderTo writes files in place of a cluster", id="a context"
        ),
        pytest.param(
            {"kubernetes:kubeconfig": "west.yaml"},
            "rendered",
            "gateways:renderTo writes files in place of a cluster",
            id="a kubeconfig for the default provider",
        ),
        pytest.param(
            {**WEST, "kubernetes:context": "east"},
            None,
            "configuration gateways:context and kubernetes:context differ; remove one of them",
            id="two contexts",
        ),
        pytest.param(
            {"kubernetes:cluster": "east"},
            None,
            "configuration kubernetes:cluster does not reach the provider of this stack; remove it",
            id="a setting of the default provider",
        ),
        pytest.param(
            {"kubernetes:namespace": "team-a"},
            None,
            "configuration kubernetes:namespace does not reach the provider of this stack; remove it",
            id="a namespace where the stack has none",
        ),
    ],
)
def test_a_cluster_that_is_not_certain_is_refused(
    configured: Mapping[str, str], render_to: str | None, message: str, tmp_path: Path
) -> None:
    pulumi.runtime.set_all_config(dict(configured))
    with pytest.raises(pulumi.RunError) as refused:
        stack_provider(pulumi.Config("gateways"), tmp_path, render_to)
    assert str(refused.value).startswith("nothing was changed:\n")
    assert message in str(refused.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    pulumi.runtime.set_all_config({**WEST, "kubernetes:context": "east", "kubernetes:cluster": "east"})
    with pytest.raises(pulumi.RunError) as refused:
        stack_provider(pulumi.Config("gateways"), tmp_path, "rendered")
    assert len(str(refused.value).splitlines()) == 4
