"""Results as the benchmark leaves them, made up."""

from typing import Any

_PROCESSOR = {"daemon": 1.0, "engine": 2.0, "control_plane": 3.0, "bench": 0.5}


def results(**parts: Any) -> dict[str, Any]:
    """Return results with the given parts."""
    machine = {
        "cores": 2,
        "architecture": "x86_64",
        "system": "Linux",
        "memory_mib": 8000,
        "python": "3.11.7",
        "pulumi": "3.250.0",
        "kubernetes_provider": "4.25.0",
        "kubernetes": "v1.36.3",
    }
    reported = {name: {"seconds": 60.0, "load_before": 0.1, **part} for name, part in parts.items()}
    return {"machine": machine, "scale": "full", "parts": reported}


def gateways(seconds: dict[int, float], engine_runs: int = 0) -> dict[str, Any]:
    """Return the part about gateways, with the seconds that each number of them took."""
    return {"steps": [_gateway_step(count, took, engine_runs) for count, took in seconds.items()]}


def routes(seconds: dict[int, float]) -> dict[str, Any]:
    """Return the part about routes, with the seconds that each number of them took."""
    steps = [
        {
            "routes": count,
            "config_map": took,
            "routes_ready": took,
            "engine_runs": 1,
            "edit": {"p50": 0.7},
            "resident_mib": 80.0,
            "peak_mib": 90.0,
            "processor": _PROCESSOR,
        }
        for count, took in seconds.items()
    ]
    return {"steps": steps}


def _gateway_step(count: int, took: float, engine_runs: int) -> dict[str, Any]:
    crowd = {
        "gateways": count,
        "namespaces": 20,
        "created": 1.0,
        "config_maps": took,
        "configured": took,
        "ready": None,
        "engine_runs": 20,
        "peak_mib": 100.0,
        "peak_together_mib": 300.0,
        "processor": _PROCESSOR,
    }
    verified = {"verified": 4.0, "engine_runs": engine_runs, "processor": _PROCESSOR}
    return {
        "gateways": count,
        "crowd": crowd,
        "edit": {"p50": 0.7},
        "resync": verified,
        "restart": {**verified, "stop": 0.1, "watching": 1.0, "resident_mib": 80.0},
        "idle": {"seconds": 30.0, "cpu_percent": 0.1, "engine_runs": 0, "wakeups": 2.5},
        "state_kib": count,
        "resident_mib": {"empty": 60.0, "filled": 100.0, "restarted": 80.0},
    }
