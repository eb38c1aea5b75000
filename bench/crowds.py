"""Many gateways created at once, and one change that touches them all."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.bare import Runs, planned
from bench.client import Raw
from bench.processor import ProcessorMeter, ProcessorSeconds
from bench.stage import Stage
from bench.subjects import (
    FOREIGN_CLASS,
    OUR_CLASS,
    create_namespace,
    gateway,
    gateway_path,
    holds_model,
    path_of,
    ready,
    secret,
    secret_hash,
)
from bench.usage import PeakMemory, engine_runs
from bench.watch import ObjectName

_LIMIT_SECONDS = 1800.0
_MODEL = "many"


@dataclass(frozen=True)
class Crowd:
    """What it took, in seconds from the moment the first of them was acknowledged.

    Attributes
    ----------
    gateways, namespaces
        How many were created, in how many namespaces.
    created, config_maps, configured, ready
        Until the last was created, had its ConfigMap, was configured, was ready; None for the last where
        Deployments get no pods.
    engine_runs
        How many runs carried them all.
    peak_mib, peak_together_mib
        Most memory of the daemon, and together with the engine it ran.
    processor
        Who used how much processor time until all were configured.
    """

    gateways: int
    namespaces: int
    created: float
    config_maps: float
    configured: float
    ready: float | None
    engine_runs: int
    peak_mib: float
    peak_together_mib: float
    processor: ProcessorSeconds


@dataclass(frozen=True)
class Shared:
    """One change of a Secret that all gateways of a namespace use; seconds since it was acknowledged.

    Attributes
    ----------
    gateways
        How many use it.
    deployments
        Until the last Deployment was to run with it.
    bare
        One bare engine run of the same change, from call to return.
    engine_runs
        How many runs carried it.
    processor
        Who used how much processor time.
    """

    gateways: int
    deployments: float
    bare: float
    engine_runs: int
    processor: ProcessorSeconds


def measure_crowd(stage: Stage, prefix: str, count: int, namespaces: int, *, workloads: bool) -> Crowd:
    """Create `count` gateways in `namespaces` new namespaces and wait until all are configured.

    With `workloads` they have to be ready, too. The names of the namespaces begin with `prefix`.
    """
    client, watches = stage.client, stage.watches
    places = [f"{prefix}-{number:02}" for number in range(namespaces)]
    for place in places:
        create_namespace(client, place)
    names = [(places[number % namespaces], f"gateway-{number:04}") for number in range(count)]
    watches.forget()
    runs, meter = len(engine_runs(stage.daemon)), ProcessorMeter(stage.daemon)
    used = meter.read()
    with PeakMemory(stage.daemon) as peak:
        created = [
            client.create(gateway_path(place), gateway(place, name, _MODEL))[1] for place, name in names
        ]
        configured = watches.gateways.wait(names, ready("Configured", 1), _LIMIT_SECONDS)
        used = meter.read() - used
        all_ready = watches.gateways.wait(names, ready("Ready", 1), _LIMIT_SECONDS) if workloads else None
    configs = [(place, f"{name}-config") for place, name in names]
    config_maps = watches.config_maps.wait(configs, holds_model(_MODEL), _LIMIT_SECONDS)

    def until(times: dict[ObjectName, float]) -> float:
        return round(max(times.values()) - created[0], 2)

    return Crowd(
        gateways=count,
        namespaces=namespaces,
        created=round(created[-1] - created[0], 2),
        config_maps=until(config_maps),
        configured=until(configured),
        ready=until(all_ready) if all_ready else None,
        engine_runs=len(engine_runs(stage.daemon)) - runs,
        peak_mib=peak.daemon_mib,
        peak_together_mib=peak.together_mib,
        processor=used,
    )


def create_crowd(stage: Stage, namespace: str, count: int, class_name: str = OUR_CLASS) -> list[Raw]:
    """Create `count` gateways in a new namespace; return them as they are stored."""
    create_namespace(stage.client, namespace)
    return [
        stage.client.create(
            gateway_path(namespace), gateway(namespace, f"gateway-{number:04}", _MODEL, class_name)
        )[0]
        for number in range(count)
    ]


def measure_bare_crowd(stage: Stage, bare: Runs, namespace: str, count: int) -> tuple[float, list[Raw]]:
    """Bring `count` gateways to a new namespace in one bare engine run; return its seconds, and the gateways."""
    gateways = create_crowd(stage, namespace, count, FOREIGN_CLASS)
    return round(bare.apply(planned(gateways, _MODEL)).seconds, 2), gateways


def measure_shared(stage: Stage, bare: Runs, namespace: str, bare_gateways: list[Raw]) -> Shared:
    """Change the Secret that all gateways of a namespace use, and wait until all Deployments follow.

    The namespace has as many gateways as `bare_gateways`, and no Secret yet. To those, which it has applied before,
    `bare` makes the same change.
    """
    watches = stage.watches
    names = [(namespace, raw["metadata"]["name"]) for raw in bare_gateways]
    runs, meter = len(engine_runs(stage.daemon)), ProcessorMeter(stage.daemon)
    used = meter.read()
    before = secret_hash(stage.client.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{names[0][1]}"))
    watches.forget()
    changed = secret(namespace, "api-key-secrets", "sk-bench")
    _, acknowledged = stage.client.create(path_of("Secret", namespace), changed)
    seen = watches.deployments.wait(names, _differs(before), _LIMIT_SECONDS)
    used = meter.read() - used
    run = bare.apply(planned(bare_gateways, _MODEL, "of another Secret"))
    return Shared(
        gateways=len(names),
        deployments=round(max(seen.values()) - acknowledged, 2),
        bare=round(run.seconds, 2),
        engine_runs=len(engine_runs(stage.daemon)) - runs,
        processor=used,
    )


def _differs(before: str) -> Callable[[Raw], bool]:
    return lambda deployment: secret_hash(deployment) != before
