"""Where the demo's manifests are, and which of its gateways is the broken one."""

from pathlib import Path

__all__ = ["BROKEN", "CLASSES", "CRDS", "GATEWAYS", "PROJECT", "REPAIR"]

PROJECT = Path(__file__).resolve().parent.parent

CRDS = Path("deploy/crds")
CLASSES = Path("deploy/classes")
GATEWAYS = Path("examples/demo")
REPAIR = GATEWAYS / "repair"
"""Repairs the broken gateway when it is applied. All paths are relative to `PROJECT`."""

BROKEN = "broken"
"""Name of the gateway whose patch is at fault."""
