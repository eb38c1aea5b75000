"""Where the engine's state is kept."""

import re
from dataclasses import dataclass, field

__all__ = ["Backend"]

_PASSWORD = re.compile(r"://[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend of Pulumi.

    Attributes
    ----------
    url
        As `pulumi login` takes it: ``file://``, ``s3://``, ``postgres://`` and others.
    passphrase
        Encrypts what is secret in the state; nothing is, but the engine asks for one.
    """

    url: str = field(repr=False)
    passphrase: str = field(repr=False)

    def redact(self, text: str) -> str:
        """Return a text without the URL, which may hold a password, and without the passwords of other URLs."""
        return _PASSWORD.sub("://", text.replace(self.url, "the backend"))
