"""What the numbers were measured on."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

import tools
from gateway_components.engine.programs import PROVIDER_VERSION, find_engine
from lab.components import API_SERVER

_MIB = 1024 * 1024


def machine_facts() -> dict[str, Any]:
    """Return cores, memory and versions."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "memory_mib": psutil.virtual_memory().total // _MIB,
        "python": platform.python_version(),
        "pulumi": _says(find_engine(), "version").removeprefix("v"),
        "kubernetes_provider": PROVIDER_VERSION,
        "kubernetes": _says(tools.locate(API_SERVER), "--version").removeprefix("Kubernetes "),
    }


def _says(program: Path, argument: str) -> str:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run([program, argument], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()
