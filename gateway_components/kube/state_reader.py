"""Reads the engine's state from the Secrets of a namespace; writes nothing."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import (
    PACKED_BYTES,
    STATE_SECRET,
    part_content,
    read_head,
    unpack,
    verify,
)

__all__ = ["StateConflictError", "StateDamagedError", "StateReader", "StoredState"]

_TRIES = 20
"""How often a head that moves on while its parts are read is read again."""


class StateConflictError(GatewayError):
    """Somebody else wrote the state since it was read, or may write it by now."""


class StateDamagedError(GatewayError):
    """What the Secret holds is no state.

    Attributes
    ----------
    version
        Version of the Secret, to write over it.
    """

    def __init__(self, message: str, version: str) -> None:
        super().__init__(message)
        self.version = version


@dataclass(frozen=True, slots=True)
class StoredState:
    """The state of a namespace as it was stored.

    Attributes
    ----------
    version
        Version of the Secret.
    checkpoint
        The engine's own file; None where none was stored yet, or where another backend keeps it.
    doubts
        Names of what an engine run was about when it was last heard of: its objects may be ahead of the checkpoint.
    parts
        Names of the Secrets that the checkpoint stands in, where one is too small.
    """

    version: str
    checkpoint: bytes | None
    doubts: frozenset[str]
    parts: tuple[str, ...] = ()


class StateReader:
    """Reads states, also while they are written.

    The head is checked before anything that it names is read. A part that is missing since the head moved on is no
    damage: the head is read again.

    Parameters
    ----------
    client
        The cluster.
    key
        Tells whether what is read was signed with it; with None anything is read that is of the right form.
    """

    def __init__(self, client: KubeClient, *, key: str | None = None) -> None:
        self._client = client
        self._key = key

    async def load(self, namespace: str) -> StoredState | None:
        """Return the stored state; None where there is none.

        Raises
        ------
        StateDamagedError
            It cannot be read: cut off, changed by hand, signed with another key, or a part of it is missing.
        StateConflictError
            It is written more often than it can be read.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        version = ""
        for _ in range(_TRIES):
            found = await self._client.get(SECRETS.item(namespace, STATE_SECRET))
            if found is None:
                return None
            before, version = version, found["metadata"]["resourceVersion"]
            try:
                return await self._read(namespace, version, found)
            except _PartMissingError as error:
                if version == before:
                    raise _damaged(namespace, error, version) from None
            except ValueError as error:
                raise _damaged(namespace, error, version) from None
        message = f"Secret {namespace}/{STATE_SECRET} is written more often than it can be read; try again"
        raise StateConflictError(message)

    async def _read(self, namespace: str, version: str, found: dict[str, Any]) -> StoredState:
        head = read_head(found.get("data") or {})
        if self._key:
            verify(head, namespace, self._key)
        packed = await self._joined(namespace, head.parts) if head.parts else head.packed
        # Large ones take long enough to hold up whoever else is served meanwhile.
        checkpoint = None if packed is None else await asyncio.to_thread(unpack, packed, head.digest)
        return StoredState(version, checkpoint, head.doubts, head.parts)

    async def _joined(self, namespace: str, parts: Iterable[str]) -> bytes:
        packed = bytearray()
        for name in parts:
            part = await self._client.get(SECRETS.item(namespace, name))
            if part is None:
                raise _PartMissingError(f"its part {name} is missing")
            packed += part_content(part.get("data") or {})
            if len(packed) > PACKED_BYTES:
                raise ValueError(f"its parts hold more than {PACKED_BYTES} bytes")
        return bytes(packed)


class _PartMissingError(Exception):
    pass


def _damaged(namespace: str, error: Exception, version: str) -> StateDamagedError:
    message = (
        f"Secret {namespace}/{STATE_SECRET} holds no readable state ({error}); it is written anew from what is on the "
        "cluster"
    )
    return StateDamagedError(message, version)
