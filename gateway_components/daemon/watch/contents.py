"""The Secrets and ConfigMaps of gateways: each version is read once, and no value of a Secret is kept."""

import base64
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.daemon.watch.projections import ObjectState
from gateway_components.identity import Identity
from gateway_components.kube.errors import MalformedAnswerError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import object_path
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.snapshot import Content, content_digest
from gateway_components.together import together

_MOST_KEYS = 10_000
"""Of one Secret or ConfigMap: a megabyte may hold a hundred thousand empty ones, which take 10 MB in memory."""
_AT_ONCE = 6
"""A gateway may refer to thousands; the reads of others need not wait behind them."""


@dataclass(frozen=True, slots=True)
class _Cached:
    version: str
    content: Content
    with_patch: bool


class Contents:
    """Reads what is referred to of the objects that are `known`, and keeps it until it changes or is forgotten."""

    def __init__(
        self, client: FencedClient, known: Mapping[str, Mapping[tuple[str, str], ObjectState]]
    ) -> None:
        self._client = client
        self._known = known
        self._cache: dict[Identity, _Cached] = {}

    async def read(
        self, wanted: Iterable[Identity], patches: Container[Identity] = ()
    ) -> dict[Identity, Content]:
        """Return those of `wanted` that exist; the texts of those in `patches` alone.

        Raises
        ------
        ExceptionGroup
            Of ApiError and ApiUnreachableError: some could not be read.
        """
        references = sorted(wanted)
        found = await together(
            (self._content(reference, patch=reference in patches) for reference in references), _AT_ONCE
        )
        return {
            reference: content
            for reference, content in zip(references, found, strict=True)
            if content is not None
        }

    def forget(self, reference: Identity) -> None:
        """Drop what was read of an object that nobody refers to."""
        self._cache.pop(reference, None)

    async def _content(self, reference: Identity, *, patch: bool) -> Content | None:
        state = self._known[reference.kind].get((reference.namespace, reference.name))
        if state is None:
            self.forget(reference)
            return None
        cached = self._cache.get(reference)
        if cached is None or cached.version != state.version or cached.with_patch < patch:
            raw = await self._client.get(object_path(reference))
            if raw is None:
                return None
            try:
                content = _read(raw, secret=reference.kind == "Secret", patch=patch)
            except (ValueError, TypeError):
                raise MalformedAnswerError(f"{reference} came with data of another type") from None
            cached = _Cached(raw["metadata"]["resourceVersion"], content, patch)
            self._cache[reference] = cached
        return cached.content


def _read(raw: Mapping[str, Any], *, secret: bool, patch: bool) -> Content:
    data = raw.get("data") or {}
    if not all(isinstance(value, str) for value in data.values()):
        raise TypeError
    if secret:
        # The values end here: a plan gets their digest and the names of their keys.
        digest = content_digest({key: base64.b64decode(value) for key, value in data.items()})
        return Content(digest, keys=_keys(data), empty=_empty(data))
    binary = {key: base64.b64decode(value) for key, value in (raw.get("binaryData") or {}).items()}
    # Of what only gives variables, no plan looks at the values.
    kept = {key: data[key] for key in (PATCH_KEY,) if patch and key in data}
    return Content(content_digest({**data, **binary}), kept, _keys(data), _empty(data))


def _keys(data: Mapping[str, str]) -> frozenset[str] | None:
    """Return the names of the keys; None, for not known, where they are more than any pod has variables."""
    return frozenset(data) if len(data) <= _MOST_KEYS else None


def _empty(data: Mapping[str, str]) -> frozenset[str]:
    return frozenset(key for key, value in data.items() if not value) & (_keys(data) or frozenset())
