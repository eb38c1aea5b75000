"""A Kubernetes control plane on loopback ports, with simulated nodes, for tests and demonstrations."""

from lab.control_plane import ControlPlane
from lab.errors import KubectlError, LabError
from lab.waiting import wait_until

__all__ = ["ControlPlane", "KubectlError", "LabError", "wait_until"]
