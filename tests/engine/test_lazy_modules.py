"""Runs of several namespaces begin at the same moment; the SDK must not load a module for the first time then."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_LOADED_BY_A_RUN = """
import sys
from pathlib import Path

from gateway_components.components.objects import Registration
from gateway_components.components.planned import planned_gateway
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.state import StateFolder
from tests.components.recorder import run
from tests.engine.test_stacks import wanted


def modules():
    return {name: type(module) for name, module in sys.modules.items() if name.startswith("pulumi_kubernetes")}


with StateFolder(Path(sys.argv[1])) as state:
    if sys.argv[2] == "started":
        Stacks(state, None, 1.0)
before = modules()
run(lambda: planned_gateway(*wanted("ns", "a"), Registration(shared=True)))
print(*sorted(name for name, kind in modules().items() if before.get(name) != kind))
"""


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("started", "the daemon has loaded all that a run needs before the first one begins"),
        ("raw", "the SDK does put modules off: without this the other case could not fail"),
    ],
)
def test_a_run_loads_nothing_once_the_engine_is_started(tmp_path: Path, when: str, why: str) -> None:
    # In a process of its own: here other tests have loaded everything.
    ran = subprocess.run(
        [sys.executable, "-c", _LOADED_BY_A_RUN, str(tmp_path / "state"), when],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert bool(ran.stdout.split()) == (when == "raw"), f"{why}: {ran.stdout}"
