import subprocess
import sys

import pytest

import gateway_components


@pytest.mark.parametrize("name", gateway_components.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(gateway_components, name).__name__ == name


def test_a_name_that_is_not_public_is_reported_as_missing() -> None:
    with pytest.raises(AttributeError, match="no attribute 'AiGatway'"):
        _ = gateway_components.AiGatway


@pytest.mark.parametrize("module", ["gateway_components.plan.plan", "gateway_components.manifests.stack"])
def test_planning_does_not_load_pulumi(module: str) -> None:
    check = f"import sys, {module}; print(sorted(name for name in sys.modules if name.startswith('pulumi')))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
