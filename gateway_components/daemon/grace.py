"""How long pods keep the values of a Secret or ConfigMap that was deleted: a tool may be making it anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway_components.plan.keys import Reference
from gateway_components.plan.snapshot import Snapshot

__all__ = ["Grace"]

_SECONDS = 30.0
"""Some operators delete a Secret and create it again, which takes them a moment."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What existed at the last look, and until when (seconds) what did not is awaited."""

    present: frozenset[Reference]
    until: Mapping[Reference, float]


class Grace:
    """Remembers since when what gateways refer to is absent; knows no clock.

    The memory ends with the process. What is absent when a namespace with running pods is looked at for the first time
    may have been deleted a moment ago, so its time begins then.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def apply(self, namespace: str, snapshot: Snapshot, now: float) -> Snapshot:
        """Return `snapshot` with what is awaited at `now` (seconds): what was deleted less than a grace period ago."""
        before = self._seen.get(namespace)
        if before:
            missed, ends = before.present, before.until
        else:
            missed, ends = snapshot.absent if snapshot.running else frozenset(), {}
        # What never existed is not awaited, nor is what was long enough.
        until = {
            reference: ends.get(reference, now + _SECONDS)
            for reference in snapshot.absent
            if reference in missed or reference in ends
        }
        until = {reference: end for reference, end in until.items() if end > now}
        self._seen[namespace] = _Seen(frozenset(snapshot.contents), until)
        return replace(snapshot, awaited=frozenset(until))

    def due(self, namespace: str) -> float | None:
        """Return when (seconds) the next grace period of a namespace ends; None where nothing is awaited."""
        seen = self._seen.get(namespace)
        return min(seen.until.values(), default=None) if seen else None

    def forget(self, namespace: str) -> None:
        """Drop the memory of a namespace without gateways."""
        self._seen.pop(namespace, None)
