"""Gateways that nobody changed, looked at again: after a restart of the daemon, and in a full resync.

How long that takes is told by false statuses: one gateway of each namespace gets a wrong message in a condition,
in the name of the daemon, whom that does not wake. When it is right again, the reconcile of its namespace is done.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass

from bench.client import Client, Raw
from bench.processor import ProcessorMeter, ProcessorSeconds
from bench.stage import Stage
from bench.subjects import gateway_path
from bench.usage import engine_runs, resident_mib, wait_until_calm
from bench.watch import ObjectName
from gateway_components.kube.resources import CUSTOM_RESOURCES
from gateway_components.plan.ownership import FIELD_MANAGER
from lab import LabError

_FALSE = "planted by the benchmark"
_LIMIT_SECONDS = 300.0
_CLASS = CUSTOM_RESOURCES["AiGatewayClass"].item(None, "litellm")
_DEFAULT = "aigatewayclass.kubernetes.io/is-default-class"


@dataclass(frozen=True)
class Restart:
    """A daemon that stops and comes back to gateways that nobody changed; it should need no engine runs.

    Attributes
    ----------
    stop
        Seconds from SIGTERM to the end of the old daemon.
    watching, verified
        From the start of the new one until it had its cache of the cluster, and a reconcile of every namespace was
        done.
    resident_mib
        Memory of the new daemon at rest.
    """

    stop: float
    watching: float
    verified: float
    engine_runs: int
    resident_mib: float
    processor: ProcessorSeconds


@dataclass(frozen=True)
class Resync:
    """A change of the class, which has every gateway planned anew; it should need no engine runs.

    `verified` are the seconds until a reconcile of every namespace was done.
    """

    verified: float
    engine_runs: int
    processor: ProcessorSeconds


def measure_restart(stage: Stage, names: Collection[ObjectName]) -> Restart:
    """Stop the daemon and start it again; `names` has one gateway of each namespace."""
    stopping = time.perf_counter()
    stage.stop_daemon()
    stopped = time.perf_counter() - stopping
    stage.watches.forget()
    _plant(stage.client, names)
    stage.watches.gateways.wait(names, _is_false, _LIMIT_SECONDS)
    stage.watches.forget()
    runs, began = len(engine_runs(stage.daemon)), time.perf_counter()
    stage.start_daemon()
    meter = ProcessorMeter(stage.daemon)
    used = meter.read()
    stage.wait_until_watching()
    watching = time.perf_counter() - began
    verified = stage.watches.gateways.wait(names, _is_right, _LIMIT_SECONDS)
    wait_until_calm(stage.daemon)
    used = meter.read() - used
    return Restart(
        stop=round(stopped, 2),
        watching=round(watching, 2),
        verified=round(max(verified.values()) - began, 2),
        engine_runs=len(engine_runs(stage.daemon)) - runs,
        resident_mib=resident_mib(stage.daemon),
        processor=used,
    )


def measure_resync(stage: Stage, names: Collection[ObjectName]) -> Resync:
    """Change the class and wait until every namespace was looked at; `names` has one gateway of each.

    Raises LabError: a false status was put right before the class changed: it tells nothing.
    """
    stage.watches.forget()
    _plant(stage.client, names)
    stage.watches.gateways.wait(names, _is_false, _LIMIT_SECONDS)
    wait_until_calm(stage.daemon)
    if any(_is_right(stage.client.get(gateway_path(*name))) for name in names):
        raise LabError("a false status woke the daemon")
    stage.watches.forget()
    meter = ProcessorMeter(stage.daemon)
    runs, used = len(engine_runs(stage.daemon)), meter.read()
    _, changed = stage.client.merge_patch(_CLASS, {"metadata": {"annotations": {_DEFAULT: "true"}}})
    verified = stage.watches.gateways.wait(names, _is_right, _LIMIT_SECONDS)
    wait_until_calm(stage.daemon)
    used = meter.read() - used
    stage.client.merge_patch(_CLASS, {"metadata": {"annotations": {_DEFAULT: None}}})
    wait_until_calm(stage.daemon)
    return Resync(round(max(verified.values()) - changed, 2), len(engine_runs(stage.daemon)) - runs, used)


def _plant(client: Client, names: Collection[ObjectName]) -> None:
    for name in names:
        conditions = client.get(gateway_path(*name))["status"]["conditions"]
        conditions[0]["message"] = _FALSE
        path = f"{gateway_path(*name)}/status?fieldManager={FIELD_MANAGER}"
        client.merge_patch(path, {"status": {"conditions": conditions}})


def _messages(raw: Raw) -> list[str]:
    return [condition["message"] for condition in (raw.get("status") or {}).get("conditions") or ()]


def _is_false(raw: Raw) -> bool:
    return _FALSE in _messages(raw)


def _is_right(raw: Raw) -> bool:
    return not _is_false(raw)
