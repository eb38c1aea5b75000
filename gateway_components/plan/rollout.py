"""How far the rollout of a Deployment has come, and why it makes no progress (spec, "Gateway status")."""

from dataclasses import dataclass

__all__ = ["Rollout", "StallReason"]

_MOST_REASONS = 5
"""As many are shown: pods with many containers can have as many faults."""
_LONGEST_MESSAGE = 1000
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class StallReason:
    """Why a rollout makes no progress, as Kubernetes tells it.

    Attributes
    ----------
    reason
        The word for it, such as ``FailedCreate``, ``Unschedulable`` or ``CrashLoopBackOff``.
    container
        Name of the container that it is about; empty where it is about the pod or the Deployment.
    init
        Whether that is an init container.
    ended
        The word for how a container ended that is started again, such as ``OOMKilled``; empty where it did not.
    exit_code
        With which exit code the container ended; None where it did not.
    message
        What may be shown of the details; never what the container itself wrote.
    """

    reason: str
    container: str = ""
    init: bool = False
    ended: str = ""
    exit_code: int | None = None
    message: str = ""

    def __str__(self) -> str:
        """Return all of it in one line."""
        code = "" if self.exit_code is None else f"exit code {self.exit_code}"
        ending = ", ".join(
            part[:_LONGEST_NAME] for part in (self.ended and f"last {self.ended}", code) if part
        )
        where = f"{'init ' if self.init else ''}container {self.container}: " if self.container else ""
        what = f"{where}{self.reason[:_LONGEST_NAME]}{f' ({ending})' if ending else ''}"
        return f"{what}: {self.message[:_LONGEST_MESSAGE]}" if self.message else what


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a Deployment has come.

    Attributes
    ----------
    current
        Whether its controller has seen the desired pod template.
    wanted, total, updated, available
        Numbers of replicas: of the spec, of those that exist, of those on the newest template, of those that
        serve.
    reasons
        Why it makes no progress, as far as that is known.
    uid, generation
        Which Deployment it is, and of which generation; an empty UID for one that no gateway owns.
    """

    current: bool
    wanted: int
    total: int
    updated: int
    available: int
    reasons: tuple[StallReason, ...] = ()
    uid: str = ""
    generation: int = 0

    @property
    def deployment(self) -> tuple[str, int]:
        """What it is the rollout of: reasons of another one say nothing about it."""
        return self.uid, self.generation

    @property
    def complete(self) -> bool:
        """Whether all wanted replicas run the newest template and serve, as ``kubectl rollout status`` has it."""
        updated = self.updated >= self.wanted and self.total <= self.updated
        return self.current and updated and self.available >= self.updated

    def __str__(self) -> str:
        """Return the progress in words, and the reasons where there is none."""
        if not self.current:
            return "the Deployment has not taken up the newest configuration yet"
        old = f", {self.total - self.updated} old ones still there" if self.total > self.updated else ""
        progress = f"{self.updated} of {self.wanted} replicas updated, {self.available} available{old}"
        return "; ".join((progress, *map(str, self.reasons[:_MOST_REASONS])))
