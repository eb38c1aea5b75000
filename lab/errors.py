"""Errors of the lab, each with a message that a person can act on."""


class LabError(Exception):
    """The lab could not be started or used."""


class PortTakenError(LabError):
    """A component found its port in use; the lab starts again with other ports."""


class KubectlError(LabError):
    """`kubectl` ended with an error; the message is what it printed."""


class ApiError(LabError):
    """The API server refused a request of the lab, with an HTTP status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
