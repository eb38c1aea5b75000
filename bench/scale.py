"""How large the measures are: the full benchmark, and a quick look."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes and counts.

    Attributes
    ----------
    edits, naive_runs
        Edits of one gateway, each beside a bare engine run, and runs as the tutorial has them.
    together, namespaces
        Gateways that are created at once, in one namespace and spread over so many.
    among, among_edits
        Gateways of the namespaces in which single edits are compared, and how many edits in each.
    healthy, healthy_edits
        Gateways beside one that always fails, and edits of one of them with and without it.
    limited, memory_mib
        Gateways that are created at once in a namespace while memory is limited, and to how much.
    beside
        Gateways of a namespace that change while somebody edits one of another.
    large
        Gateways and namespaces of the largest installation.
    gateways, routes
        The sizes that growth is measured at.
    step_edits
        Edits at each of these sizes.
    idle_seconds
        How long the idle daemon is watched.
    """

    edits: int
    naive_runs: int
    together: int
    namespaces: int
    among: tuple[int, ...]
    among_edits: int
    healthy: int
    healthy_edits: int
    limited: tuple[int, ...]
    memory_mib: int
    beside: int
    large: tuple[int, int]
    gateways: tuple[int, ...]
    routes: tuple[int, ...]
    step_edits: int
    idle_seconds: float


_FULL = Scale(
    edits=20,
    naive_runs=3,
    together=200,
    namespaces=20,
    among=(1, 200, 1000),
    among_edits=10,
    healthy=50,
    healthy_edits=10,
    limited=(1500,),
    memory_mib=2048,
    beside=1000,
    large=(5000, 100),
    gateways=(10, 100, 1000),
    routes=(10, 100, 1000),
    step_edits=5,
    idle_seconds=30.0,
)

_QUICK = Scale(
    edits=5,
    naive_runs=1,
    together=20,
    namespaces=4,
    among=(1, 50),
    among_edits=3,
    healthy=8,
    healthy_edits=4,
    limited=(50,),
    memory_mib=2048,
    beside=50,
    large=(60, 12),
    gateways=(5, 50),
    routes=(5, 50),
    step_edits=2,
    idle_seconds=5.0,
)
"""Shows the direction in about two minutes; no target speaks of these sizes."""

SCALES: Mapping[str, Scale] = {"full": _FULL, "quick": _QUICK}
"""By name."""
