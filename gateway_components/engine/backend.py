"""Where the engine's state is kept."""

from dataclasses import dataclass, field

__all__ = ["Backend"]


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
