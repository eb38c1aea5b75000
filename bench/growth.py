"""Time and memory against the number of gateways, and of routes on one gateway; each size on a lab of its own."""

from dataclasses import asdict
from typing import Any

from bench.among import stored_states
from bench.crowds import measure_crowd
from bench.edits import edit_times
from bench.numbers import Samples
from bench.processor import ProcessorMeter
from bench.stage import Stage
from bench.subjects import create_namespace, holds_text, path_of, route, route_ready, tool_gateway
from bench.usage import PeakMemory, engine_runs, measure_idle, resident_mib, wait_until_calm
from bench.verify import measure_restart, measure_resync

_LIMIT_SECONDS = 600.0
_PLACE, _GATEWAY = "bench-routes", "tools"
_EDITED = "route-0000"


def measure_gateways(
    stage: Stage, count: int, namespaces: int, edits: int, idle_seconds: float
) -> dict[str, Any]:
    """Measure a daemon with `count` gateways spread over at most `namespaces`, on a fresh stage without workloads.

    There are so many `edits` of one gateway; with nothing to do, the daemon is watched for `idle_seconds`.
    """
    spread = min(count, namespaces)
    empty = resident_mib(stage.daemon)
    crowd = measure_crowd(stage, "bench-growth", count, spread, workloads=False)
    wait_until_calm(stage.daemon)
    filled = resident_mib(stage.daemon)
    # The last of each namespace, by the names that the crowd has.
    last = [
        (f"bench-growth-{number % spread:02}", f"gateway-{number:04}")
        for number in range(count - spread, count)
    ]
    samples = edit_times(stage.client, stage.watches, last[0], [f"edit-{number}" for number in range(edits)])
    wait_until_calm(stage.daemon)
    resync = measure_resync(stage, last)
    restart = measure_restart(stage, last)
    idle = measure_idle(stage.daemon, idle_seconds)
    return {
        "gateways": count,
        "crowd": asdict(crowd),
        "edit": samples.as_json(),
        "resync": asdict(resync),
        "restart": asdict(restart),
        "idle": asdict(idle),
        "state_kib": round(sum(stored_states(stage.client).values()) / 1024),
        "resident_mib": {"empty": empty, "filled": filled, "restarted": restart.resident_mib},
    }


def measure_routes(stage: Stage, count: int, edits: int) -> dict[str, Any]:
    """Measure a daemon with one ToolGateway that has `count` routes, on a fresh stage without workloads.

    There are so many `edits` of one of them.
    """
    client, watches = stage.client, stage.watches
    create_namespace(client, _PLACE)
    names = [(_PLACE, f"route-{number:04}") for number in range(count)]
    config = _PLACE, f"{_GATEWAY}-config"
    watches.forget()
    runs, meter = len(engine_runs(stage.daemon)), ProcessorMeter(stage.daemon)
    used = meter.read()
    with PeakMemory(stage.daemon) as peak:
        _, began = client.create(path_of("ToolGateway", _PLACE), tool_gateway(_PLACE, _GATEWAY))
        for _, name in names:
            client.create(path_of("ToolRoute", _PLACE), route(_PLACE, name, _GATEWAY, _url(name)))
        all_ready = watches.routes.wait(names, route_ready, _LIMIT_SECONDS)
        used = meter.read() - used
    whole = watches.config_maps.wait([config], holds_text("/mcp\n", count), _LIMIT_SECONDS)
    runs = len(engine_runs(stage.daemon)) - runs
    wait_until_calm(stage.daemon)
    samples = []
    for number in range(edits):
        watches.forget()
        url = _url(f"edited-{number}")
        change = {"spec": {"upstream": {"external": {"url": url}}}}
        _, acknowledged = client.merge_patch(path_of("ToolRoute", _PLACE, _EDITED), change)
        seen = watches.config_maps.wait([config], holds_text(url), _LIMIT_SECONDS)
        samples.append(seen[config] - acknowledged)
        wait_until_calm(stage.daemon)
    return {
        "routes": count,
        "config_map": round(whole[config] - began, 2),
        "routes_ready": round(max(all_ready.values()) - began, 2),
        "engine_runs": runs,
        "edit": Samples(samples).as_json(),
        "resident_mib": resident_mib(stage.daemon),
        "peak_mib": peak.daemon_mib,
        "processor": asdict(used),
    }


def _url(name: str) -> str:
    return f"https://{name}.example.com/mcp"
