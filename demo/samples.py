"""Where the demo's manifests are, and which of the objects in them are the broken ones."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

CRDS = Path("deploy/crds")
CLASSES = Path("deploy/classes")
GATEWAYS = Path("examples/demo")
REPAIR = GATEWAYS / "repair"
"""Repairs the broken gateway and the broken route when it is applied. All paths are relative to `PROJECT`."""

BROKEN = "broken"
"""Name of the gateway whose patch is at fault."""

BROKEN_ROUTE = "calendar"
"""Name of the route whose ToolServer is missing."""

DUPLICATE_ROUTE = "find"
"""Name of the route whose key another one has; it stays so."""
