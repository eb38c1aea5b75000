"""The binaries that the project drives: found on PATH or built from Go modules, checked, and registered."""

from tools.errors import MissingToolError, ToolsError
from tools.location import locate

__all__ = ["MissingToolError", "ToolsError", "locate"]
