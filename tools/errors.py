"""Errors of the set-up, each with a message that a person can act on."""


class ToolsError(Exception):
    """The set-up cannot go on; the message says what to do."""


class MissingToolError(ToolsError):
    """A binary is not installed; the message says how to install it."""


class CheckError(ToolsError):
    """A binary is not of the wanted version or does not start."""
