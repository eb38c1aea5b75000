"""What the numbers were measured on."""

import os
import platform
import subprocess
from typing import Any

import psutil

from bench.client import Client
from gateway_components.engine.locate import PROVIDER_VERSION, find_engine

__all__ = ["machine_facts"]

_MIB = 1024 * 1024


def machine_facts(client: Client) -> dict[str, Any]:
    """Return cores, memory, load and versions."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "memory_mib": psutil.virtual_memory().total // _MIB,
        "load_at_start": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "pulumi": _pulumi_version(),
        "kubernetes_provider": PROVIDER_VERSION,
        "kubernetes": client.get("/version")["gitVersion"],
    }


def _pulumi_version() -> str:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run(
        [find_engine(), "version"], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().removeprefix("v")
