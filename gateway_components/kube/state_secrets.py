"""Writes the engine's state: a Secret in each namespace of gateways, and more where one is too small."""

import asyncio
import zlib
from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError, ObjectChangedError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import (
    PART_BYTES,
    PART_LABEL,
    STATE_LABELS,
    STATE_SECRET,
    base_of,
    doubts_data,
    head_data,
    is_part,
    part_data,
    parts_of,
    secret,
)
from gateway_components.kube.state_reader import (
    StateConflictError,
    StateDamagedError,
    StateReader,
    StoredState,
)
from gateway_components.plan.ownership import FIELD_MANAGER

__all__ = [
    "STATE_LABELS",
    "STATE_SECRET",
    "StateConflictError",
    "StateDamagedError",
    "StateReader",
    "StateSecrets",
    "StateWriter",
    "StoredState",
]


class StateWriter(StateReader):
    """Stores states, each write based on the version that was read before; removes nothing.

    The head Secret holds the compressed checkpoint. One that is too large stands in parts, which are written before
    the head names them. So a writer that dies in between leaves the old state, and parts that nobody reads.

    Whoever may write Secrets in a namespace could write a state that has the engine act elsewhere, with the rights of
    the daemon: so the head is signed, with the list of its parts, and one without our signature is none.

    Parameters
    ----------
    client
        The cluster.
    part_bytes
        How much one Secret takes.
    key
        Signs what is saved, and tells whether what is loaded was saved with it; with None nothing is signed, and
        anything is loaded.
    """

    def __init__(self, client: KubeClient, part_bytes: int = PART_BYTES, *, key: str | None = None) -> None:
        super().__init__(client, key=key)
        self._part_bytes = part_bytes

    async def save(self, namespace: str, checkpoint: bytes | None, version: str | None) -> str:
        """Store a checkpoint, which settles all doubts, and return the new version.

        Raises
        ------
        StateConflictError
            The Secret is not as it was read: `version`, or None for one that did not exist.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        return (await self._save(namespace, checkpoint, version))[0]

    async def _save(
        self, namespace: str, checkpoint: bytes | None, version: str | None, doubts: Iterable[str] = ()
    ) -> tuple[str, Collection[str]]:
        """Return the new version, and the names of the parts."""
        # Large ones take long enough to hold up whoever else is served meanwhile.
        packed = None if checkpoint is None else await asyncio.to_thread(zlib.compress, checkpoint, 6)
        parts: dict[str, bytes] = {}
        if packed is not None and len(packed) > self._part_bytes:
            # Parts are made on a version of the head.
            version = version or await self._write(namespace, doubts_data(()), None)
            parts = parts_of(packed, version, self._part_bytes)
        for name, content in parts.items():
            await self._create_part(namespace, name, content)
        data = head_data(namespace, packed, parts, self._key) | doubts_data(doubts)
        return await self._write(namespace, data, version), parts

    async def _write(self, namespace: str, data: Mapping[str, str | None], version: str | None) -> str:
        try:
            if version is None:
                present = {key: value for key, value in data.items() if value is not None}
                stored = await self._client.create(
                    SECRETS.collection(namespace), secret(STATE_SECRET, present, {})
                )
            else:
                stored = await self._client.merge_patch(
                    SECRETS.item(namespace, STATE_SECRET),
                    {"metadata": {"resourceVersion": version, "labels": STATE_LABELS}, "data": data},
                    manager=FIELD_MANAGER,
                )
        except ApiError as error:
            gone = version is not None and error.status == HTTPStatus.NOT_FOUND
            if gone or (error.status == HTTPStatus.CONFLICT):
                raise _conflict(namespace) from None
            raise
        new: str = stored["metadata"]["resourceVersion"]
        return new

    async def _create_part(self, namespace: str, name: str, content: bytes) -> None:
        data = part_data(content)
        try:
            await self._client.create(SECRETS.collection(namespace), secret(name, data, {PART_LABEL: "true"}))
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            # It bears the digest of its content; one that was changed by hand gets that back.
            await self._client.merge_patch(SECRETS.item(namespace, name), {"data": data})


class StateSecrets(StateWriter):
    """The states of the daemon that leads, which alone removes what is left over.

    A daemon that was frozen may lead no more when it goes on, at any line, and ``gatewayctl stack import`` writes
    without leading. So what is removed must not depend on who leads:

    - A head that names new parts is written on the version of the head that these parts were made on; the first head
      of a state names none.
    - One list of the API server shows the parts, and version H of the head, at one moment. From then on it takes
      writes on H or later versions alone.
    - So a part that H does not name, and that was made on another version, is named by no later head. It may go at any
      later time, whoever has written meanwhile.
    - Parts made on H may belong to a write under way: they stay until the head has moved on.

    Parameters
    ----------
    client, part_bytes, key
        As for `StateWriter`.
    """

    def __init__(
        self,
        client: FencedClient,
        part_bytes: int = PART_BYTES,
        *,
        key: str | None,
    ) -> None:
        super().__init__(client, part_bytes, key=key)
        self._without_parts: set[str] = set()
        self._log = structlog.get_logger()

    async def load(self, namespace: str) -> StoredState | None:
        """As `StateReader.load`; then remove what an earlier process did not come to remove."""
        stored = await super().load(namespace)
        if stored is not None:
            await self._tidy(namespace, stored.version, stored.parts)
        return stored

    async def intend(self, namespace: str, doubts: Iterable[str], version: str | None) -> str:
        """Note what an engine run is about before it begins, and return the new version.

        Raises
        ------
        StateConflictError
            As for `save`.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        return await self._write(namespace, doubts_data(doubts), version)

    async def save(
        self, namespace: str, checkpoint: bytes | None, version: str | None, doubts: Iterable[str] = ()
    ) -> str:
        """Store a checkpoint, which settles all doubts but `doubts`; return the new version. Old parts go.

        Raises
        ------
        StateConflictError
            The Secret is not as it was read: `version`, or None for one that did not exist.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        new, parts = await self._save(namespace, checkpoint, version, doubts)
        if parts or namespace not in self._without_parts:
            await self._tidy(namespace, new, parts)
        return new

    async def remove(self, namespace: str, version: str) -> None:
        """Remove the state of a namespace.

        Raises
        ------
        StateConflictError
            Somebody else wrote it since `version`; the head is still there.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        path = SECRETS.item(namespace, STATE_SECRET)
        head = await self._client.get(path)
        if head is None:
            return
        if namespace not in self._without_parts:
            version = await self._remove_parts(namespace, version)
        try:
            await self._client.delete(path, uid=head["metadata"]["uid"], version=version)
        except ObjectChangedError:
            raise _conflict(namespace) from None
        # Or every namespace that there ever was would be remembered.
        self._without_parts.discard(namespace)

    async def _remove_parts(self, namespace: str, version: str) -> str:
        # The head stays: by it, whoever goes on after a crash knows that there is something to remove. First it says
        # that there are no parts, to whoever reads it meanwhile.
        emptied = await self._write(namespace, head_data(namespace, None, (), None), version)
        await self._sweep(namespace, emptied, ())
        return emptied

    async def _tidy(self, namespace: str, version: str, keep: Collection[str]) -> None:
        """Sweep; what cannot be removed takes room, and is looked for again with the next write."""
        try:
            await self._sweep(namespace, version, keep)
        except (ApiError, ApiUnreachableError) as error:
            self._log.warning("old parts of a state are left", namespace=namespace, error=str(error))

    async def _sweep(self, namespace: str, version: str, keep: Collection[str]) -> None:
        """Remove parts that a head of this version does not name, and that no later one can name."""
        self._without_parts.discard(namespace)
        # Head and parts at one moment.
        found, _ = await self._client.list(
            SECRETS.collection(namespace), metadata_only=True, labels=STATE_LABELS
        )
        metadata = {one["metadata"]["name"]: one["metadata"] for one in found}
        if metadata.get(STATE_SECRET, {}).get("resourceVersion") != version:
            # Whoever wrote since then removes what is left over.
            return
        parts = [one for one in metadata.values() if is_part(one)]
        for part in parts:
            if part["name"] not in keep and base_of(part["name"]) != version:
                await self._delete_part(namespace, part)
        if not parts:
            self._without_parts.add(namespace)

    async def _delete_part(self, namespace: str, part: Mapping[str, Any]) -> None:
        path = SECRETS.item(namespace, part["name"])
        try:
            await self._client.delete(path, uid=part["uid"], version=part["resourceVersion"])
        except ObjectChangedError:
            # Touched by a person, perhaps; the next sweep sees it as it is then.
            self._log.info("part of a state was changed, and stays", namespace=namespace, part=part["name"])


def _conflict(namespace: str) -> StateConflictError:
    message = f"Secret {namespace}/{STATE_SECRET} was written or deleted by somebody else; it is read again"
    return StateConflictError(message)
