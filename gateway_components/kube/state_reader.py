"""Reads the engine's state from the Secrets of a namespace."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.install_secrets import Latest, LatestStates
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import (
    PACKED_BYTES,
    STATE_SECRET,
    Part,
    Signing,
    part_content,
    read_head,
    unpack,
    verify,
)

_TRIES = 20
"""Tries to read a state while it is being written."""


class StateConflictError(GatewayError):
    """Somebody else wrote the state since it was read."""


class StateDamagedError(GatewayError):
    """The Secret holds no valid state; its version allows overwriting it."""

    def __init__(self, message: str, version: str, uid: str = "") -> None:
        super().__init__(message)
        self.version = version
        self.uid = uid


@dataclass(frozen=True, slots=True)
class StoredState:
    """The stored state of a namespace.

    Attributes
    ----------
    version
        Version of the Secret.
    checkpoint
        The engine's own file; None before the first run, or if another backend keeps it.
    pending
        Names of the gateways in an engine run whose outcome was not recorded: objects may be ahead of the checkpoint.
    parts
        The Secrets that hold parts of a large checkpoint, by name.
    uid, base
        UID of the Secret, and the version of it that the state was written on.
    """

    version: str
    checkpoint: bytes | None
    pending: frozenset[str]
    parts: Mapping[str, Part] = field(default_factory=dict)
    uid: str = ""
    base: int = 0


class StateReader:
    """Reads states, also while they are written.

    The head is verified before its parts are read. If a part is missing because the head has moved on, the head is read
    again. Without a `key`, any well-formed state is accepted; without `latest`, one of any age.
    """

    def __init__(
        self, client: KubeClient, *, key: str | None = None, latest: LatestStates | None = None
    ) -> None:
        self._client = client
        self._key = key
        self._latest = latest

    async def load(self, namespace: str) -> StoredState | None:
        """Return the stored state, if there is one.

        Raises
        ------
        StateDamagedError
            It is truncated, forged, signed for another Secret, older than the last one, or lacks a part.
        StateConflictError
            It changed during each try.
        ApiError, ApiUnreachableError
            The API server refused, or did not answer.
        """
        version = ""
        for _ in range(_TRIES):
            # Before the head: a later record may be about a later head.
            written = await self._latest.read(namespace) if self._latest else ()
            found = await self._client.get(SECRETS.item(namespace, STATE_SECRET))
            if found is None:
                return None
            before, version = version, found["metadata"]["resourceVersion"]
            try:
                return await self._read(namespace, found, written)
            except _PartMissingError as error:
                if version == before:
                    raise _damaged(namespace, error, found["metadata"]) from None
            except ValueError as error:
                raise _damaged(namespace, error, found["metadata"]) from None
        message = f"Secret {namespace}/{STATE_SECRET} is written more often than it can be read; try again"
        raise StateConflictError(message)

    async def _read(self, namespace: str, found: dict[str, Any], written: Iterable[Latest]) -> StoredState:
        version, uid = found["metadata"]["resourceVersion"], found["metadata"]["uid"]
        head = read_head(found.get("data") or {})
        if self._key:
            verify(head, Signing(self._key, namespace, uid, head.base))
        if head.packed is not None or head.parts:
            _check_age(Latest(uid, head.base), written)
        parts = await self._parts(namespace, head.parts, len(head.packed or b""))
        checkpoint = None
        if head.packed is not None or head.parts:
            # A large state would block the event loop.
            checkpoint = await asyncio.to_thread(unpack, head, [content for _, content in parts])
        known = {part.name: part for part, _ in parts}
        return StoredState(version, checkpoint, head.pending, known, uid, head.base)

    async def _parts(self, namespace: str, names: Iterable[str], size: int) -> list[tuple[Part, bytes]]:
        """Return the parts of a head with their content; `size` bytes are in the head."""
        parts = []
        for name in names:
            found = await self._client.get(SECRETS.item(namespace, name))
            if found is None:
                raise _PartMissingError(f"its part {name} is missing")
            content, metadata = part_content(found.get("data") or {}), found["metadata"]
            size += len(content)
            if size > PACKED_BYTES:
                raise ValueError(f"its parts hold more than {PACKED_BYTES} bytes")
            digest = hashlib.sha256(content).digest()
            parts.append((Part(name, digest, metadata["uid"], metadata["resourceVersion"]), content))
        return parts


class _PartMissingError(Exception):
    pass


def _check_age(found: Latest, written: Iterable[Latest]) -> None:
    for one in written:
        # The earlier form is older than any state of today.
        if found.is_older_than(one) or not found.base:
            raise ValueError(
                f"it is older than the last one that was written, on version {found.base} and not on {one.base}: "
                "somebody restored it"
            )


def _damaged(namespace: str, error: Exception, metadata: Mapping[str, str]) -> StateDamagedError:
    message = (
        f"Secret {namespace}/{STATE_SECRET} holds no readable state ({error}); it is rebuilt from what is on the "
        "cluster"
    )
    return StateDamagedError(message, metadata["resourceVersion"], metadata["uid"])
