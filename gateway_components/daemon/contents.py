"""The Secrets and ConfigMaps that gateways refer to: each version is read once, and of a Secret a digest is kept."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.daemon.projections import ObjectState
from gateway_components.kube.errors import MalformedAnswerError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import CONFIG_MAPS, SECRETS
from gateway_components.plan.hashes import content_digest
from gateway_components.plan.keys import Reference
from gateway_components.plan.snapshot import Content
from gateway_components.together import together

__all__ = ["Contents"]

_RESOURCES = {resource.kind: resource for resource in (CONFIG_MAPS, SECRETS)}


@dataclass(frozen=True, slots=True)
class _Cached:
    version: str
    content: Content


class Contents:
    """Reads what is referred to, and keeps it until it changes or is forgotten.

    Parameters
    ----------
    client
        The cluster.
    known
        The objects that exist, by kind: ``ConfigMap`` and ``Secret``.
    """

    def __init__(
        self, client: FencedClient, known: Mapping[str, Mapping[tuple[str, str], ObjectState]]
    ) -> None:
        self._client = client
        self._known = known
        self._cache: dict[Reference, _Cached] = {}

    async def read(self, wanted: Iterable[Reference]) -> dict[Reference, Content]:
        """Return those of `wanted` that exist.

        Raises
        ------
        ExceptionGroup
            Of ApiError and ApiUnreachableError: some could not be read.
        """
        references = sorted(wanted)
        found = await together(self._content(reference) for reference in references)
        return {
            reference: content
            for reference, content in zip(references, found, strict=True)
            if content is not None
        }

    def forget(self, reference: Reference) -> None:
        """Drop what was read of an object that nobody refers to."""
        self._cache.pop(reference, None)

    async def _content(self, reference: Reference) -> Content | None:
        state = self._known[reference.kind].get((reference.namespace, reference.name))
        if state is None:
            self.forget(reference)
            return None
        cached = self._cache.get(reference)
        if cached is None or cached.version != state.version:
            raw = await self._client.get(_RESOURCES[reference.kind].item(reference.namespace, reference.name))
            if raw is None:
                return None
            try:
                content = _read(raw, secret=reference.kind == "Secret")
            except (ValueError, TypeError):
                raise MalformedAnswerError(f"{reference} came with data of another type") from None
            cached = _Cached(raw["metadata"]["resourceVersion"], content)
            self._cache[reference] = cached
        return cached.content


def _read(raw: Mapping[str, Any], *, secret: bool) -> Content:
    data = raw.get("data") or {}
    if not all(isinstance(value, str) for value in data.values()):
        raise TypeError
    if secret:
        # The values end here: a plan gets their digest and nothing else.
        return Content(content_digest({key: base64.b64decode(value) for key, value in data.items()}))
    binary = {key: base64.b64decode(value) for key, value in (raw.get("binaryData") or {}).items()}
    return Content(content_digest({**data, **binary}), data)
