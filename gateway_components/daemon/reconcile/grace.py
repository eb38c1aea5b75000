"""How long pods keep the values of a deleted Secret or ConfigMap, which a tool may be recreating."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway_components.identity import Identity
from gateway_components.plan.environment import API_KEY_SECRET
from gateway_components.plan.generate import SECRET_HASH
from gateway_components.plan.objects import EMPTY_DIGEST
from gateway_components.plan.snapshot import Snapshot

_SECONDS = 30.0
"""Some operators delete a Secret and create it again, which takes them a moment."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What existed at the last look, until when (seconds) the rest is awaited, and the keys of both."""

    present: frozenset[Identity]
    keys: Mapping[Identity, frozenset[str]]
    until: Mapping[Identity, float]


class Grace:
    """Remembers since when what the gateways of a namespace refer to is absent; knows no clock.

    The memory ends with the process. At the first look at a namespace with running pods, what is absent may just have
    been deleted, so its time begins then.
    """

    def __init__(self) -> None:
        self._seen: _Seen | None = None

    def apply(self, snapshot: Snapshot, now: float) -> Snapshot:
        """Return `snapshot` with what is awaited at `now` (seconds): what was deleted less than a grace period ago."""
        before = self._seen
        if before:
            missed, ends, known = before.present, before.until, before.keys
        else:
            missed, ends, known = _perhaps_deleted(snapshot), {}, {}
        # What never existed is not awaited, nor is what was long enough.
        until = {
            reference: ends.get(reference, now + _SECONDS)
            for reference in snapshot.absent
            if reference in missed or reference in ends
        }
        until = {reference: end for reference, end in until.items() if end > now}
        remembered = {reference: known[reference] for reference in until if reference in known}
        present = {
            reference: content.keys
            for reference, content in snapshot.contents.items()
            if content.keys is not None
        }
        self._seen = _Seen(frozenset(snapshot.contents), {**present, **remembered}, until)
        return replace(snapshot, awaited=frozenset(until), remembered=remembered)

    @property
    def due(self) -> float | None:
        """When (seconds) the next grace period ends; None where nothing is awaited."""
        return min(self._seen.until.values(), default=None) if self._seen else None


def _perhaps_deleted(snapshot: Snapshot) -> frozenset[Identity]:
    """Return what is absent and may have been there a moment ago: pods run that may have its values."""
    if not snapshot.running:
        return frozenset()
    if any(hashes.get(SECRET_HASH) != EMPTY_DIGEST for hashes in snapshot.running.values()):
        return snapshot.absent
    # No pod was made with API keys. Waiting for them would have every gateway planned anew when the time is over.
    return frozenset(reference for reference in snapshot.absent if reference.name != API_KEY_SECRET)
