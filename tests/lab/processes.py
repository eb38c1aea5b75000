"""What of a lab runs."""

import psutil

from lab import ControlPlane


def processes_of(lab: ControlPlane) -> list[psutil.Process]:
    """Return the supervisor and the components of a lab that this process started."""
    children = psutil.Process().children(recursive=True)
    return [process for process in children if str(lab.folder) in " ".join(process.cmdline())]
