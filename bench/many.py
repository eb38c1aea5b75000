"""Many gateways created at once."""

from dataclasses import dataclass

from bench.client import Client
from bench.edits import Watches
from bench.subjects import create_namespace, gateway, gateway_path, holds_model, ready
from bench.usage import PeakMemory, engine_runs
from demo.daemon import DaemonProcess

__all__ = ["Many", "measure_many"]

_NAMESPACE = "bench-many"
_LIMIT_SECONDS = 300.0


@dataclass(frozen=True)
class Many:
    """What it took, in seconds from the moment the first of them was acknowledged.

    Attributes
    ----------
    gateways
        How many were created.
    created, config_maps, configured, ready
        Until the last was created, had its ConfigMap, was configured, was ready.
    engine_runs
        How many runs carried them all.
    peak_mib
        Most memory that the daemon and the engine it ran held together.
    """

    gateways: int
    created: float
    config_maps: float
    configured: float
    ready: float
    engine_runs: int
    peak_mib: float


def measure_many(client: Client, watches: Watches, daemon: DaemonProcess, count: int) -> Many:
    """Create `count` gateways in one namespace and wait until all are ready."""
    create_namespace(client, _NAMESPACE)
    watches.forget()
    before = len(engine_runs(daemon))
    names = [(_NAMESPACE, f"gateway-{number:03}") for number in range(count)]
    with PeakMemory(daemon) as peak:
        created = [
            client.create(gateway_path(_NAMESPACE), gateway(_NAMESPACE, name, "many"))[1] for _, name in names
        ]
        configs = [(_NAMESPACE, f"{name}-config") for _, name in names]
        config_maps = watches.config_maps.wait(configs, holds_model("many"), _LIMIT_SECONDS)
        configured = watches.gateways.wait(names, ready("Configured", 1), _LIMIT_SECONDS)
        all_ready = watches.gateways.wait(names, ready("Ready", 1), _LIMIT_SECONDS)

    def until(times: dict[tuple[str, str], float]) -> float:
        return round(max(times.values()) - created[0], 2)

    return Many(
        gateways=count,
        created=round(created[-1] - created[0], 2),
        config_maps=until(config_maps),
        configured=until(configured),
        ready=until(all_ready),
        engine_runs=len(engine_runs(daemon)) - before,
        peak_mib=round(peak.mib, 1),
    )
