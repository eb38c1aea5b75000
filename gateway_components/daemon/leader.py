"""Leader election: only the daemon that holds the Lease acts, and its work ends when it loses it."""

import asyncio
import math
import socket
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from gateway_components.concurrency import cancel_and_wait
from gateway_components.daemon.side_loop import SideLoop
from gateway_components.engine.folder import ScratchFolder
from gateway_components.errors import missing_right
from gateway_components.kube.errors import ApiError, ApiUnreachableError, FencedError
from gateway_components.kube.lease import Lease, LeaseTakenError

T = TypeVar("T")

LONGEST_SILENCE_SECONDS = 60.0
"""After which a main loop that runs nothing counts as one that hangs: no object takes it so long."""
_MISSING_NAMESPACE = "create the namespace, or name another one as install namespace"


class LeadershipLostError(FencedError):
    """Another daemon may be the leader by now."""

    def __init__(self, message: str = "another daemon may be the leader by now") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Terms:
    """The times of an election in seconds, those of client-go and of Kubernetes' own controllers.

    Attributes
    ----------
    lease
        How long others wait for a renewal: a takeover after a crash takes that and at most `retry`.
    renewal
        How long a leader keeps acting without a successful renewal. The remaining 5 seconds of `lease` are for
        stopping: engine runs are killed and pending writes break off.
    retry
        Pause between two renewals, or two reads of somebody else's Lease. Of those within `renewal`, all but one
        may fail.
    request
        How long one request may take: half of `renewal`, so that one that hangs is followed by another.
    """

    lease: int = 15
    renewal: float = 10.0
    retry: float = 2.0
    request: float = 5.0


class Leader:
    """The leadership that a Lease gives.

    `acquire`, then run `keep` beside the work. When it returns, end the work within the seconds that `Terms` leave.
    `release` only when nothing acts any more. `leading`, `seconds_left` and `seconds_to_write` are safe in any thread.

    Parameters
    ----------
    lease, terms, now
        The Lease, the times of an election, and the clock of the Lease.
    on_lead
        Called with the holder name of the Lease once it is ours.
    silence
        Seconds since the work last made progress: a hanging leader must not keep the Lease.
    side
        Where the Lease is acquired, renewed and released, with a client of that loop; None for the loop that asks.
    """

    def __init__(
        self,
        lease: Lease,
        terms: Terms,
        now: Callable[[], float],
        on_lead: Callable[[str], None] = lambda _: None,
        silence: Callable[[], float] = lambda: 0.0,
        side: SideLoop | None = None,
    ) -> None:
        self._lease = lease
        self._terms = terms
        self._now = now
        self._on_lead = on_lead
        self._silence = silence
        self._side = side
        self._until: float | None = None
        self._expired = False
        self._waits_for: str | None = None
        self._last_error = ""
        self._log = structlog.get_logger().bind(lease=str(lease))

    @property
    def leading(self) -> bool:
        """Whether this daemon may act now; to be asked before each step that another leader must not see.

        It turns false by the clock alone, also in a process that was stopped and has not run anything since.
        """
        # Threads ask, too, while it may be taken away.
        until = self._until
        return until is not None and self._now() < until

    def seconds_to_write(self) -> float:
        """Return how long the Lease still keeps others from leading, which is when a write must be over."""
        if not self.leading:
            raise LeadershipLostError
        return self._left() + self._terms.lease - self._terms.renewal

    @property
    def standing_by(self) -> bool:
        """Whether somebody else held the Lease when it was last read successfully."""
        return self._waits_for is not None

    async def acquire(self) -> None:
        """Return once this daemon leads; errors are logged and retried."""
        await self._aside(self._acquire())

    async def keep(self, lost: Callable[[], None] = lambda: None) -> str:
        """Renew the Lease; return why once this daemon leads no longer.

        `lost` is called before, in the thread that learns of it.
        """
        return await self._aside(self._kept(lost))

    async def release(self) -> None:
        """Give the Lease back, if it is ours, so that another daemon leads at once."""
        await self._aside(self._release())

    async def _aside(self, work: Coroutine[Any, Any, T]) -> T:
        return await (self._side.run(work) if self._side else work)

    async def _acquire(self) -> None:
        while not self.leading:
            try:
                async with asyncio.timeout(self._terms.request):
                    since = await self._lease.take()
            except (ApiError, ApiUnreachableError, TimeoutError) as error:
                self._waits_for = None
                self._warn_once("cannot ask for the lease", error)
            else:
                self._last_error = ""
                if since is not None:
                    self._waits_for, self._until = None, since + self._terms.renewal
                    continue
                if self._waits_for != self._lease.holder:
                    self._waits_for = self._lease.holder
                    self._log.info("standing by", holder=self._waits_for or "nobody yet")
            await asyncio.sleep(self._terms.retry)
        self._on_lead(self._lease.holder)
        self._log.info("leading", identity=self._lease.holder)

    def seconds_left(self) -> float:
        """Return how long this daemon may act without a renewal; after a 0, one that is answered late does not count.

        Whoever got the 0 has ended the engines, and a leader without them would keep the Lease for nothing.
        """
        left = max(self._left(), 0.0)
        if self._until is not None and not left:
            self._expired = True
        return left

    async def _kept(self, lost: Callable[[], None]) -> str:
        why = await self._renewed()
        lost()
        return why

    async def _renewed(self) -> str:
        while self._until is not None:
            await asyncio.sleep(min(self._terms.retry, self._left()))
            if self._expired or self._left() <= 0:
                return self._lose(f"no renewal succeeded for {self._terms.renewal:g} s")
            if self._silence() > LONGEST_SILENCE_SECONDS:
                return self._lose(f"the main loop has been stuck for {LONGEST_SILENCE_SECONDS:g} s")
            try:
                async with asyncio.timeout(min(self._terms.request, self._left())):
                    since = await self._lease.renew()
            except LeaseTakenError as error:
                return self._lose(str(error))
            except (ApiError, ApiUnreachableError, TimeoutError) as error:
                self._warn_once("lease not renewed", error)
            else:
                self._last_error = ""
                self._until = since + self._terms.renewal
        return "it was given back"

    async def _release(self) -> None:
        if not self.leading:
            return
        left = self._left()
        self._until = None
        try:
            async with asyncio.timeout(min(self._terms.request, left)):
                await self._lease.release()
        except (ApiError, ApiUnreachableError, LeaseTakenError, TimeoutError) as error:
            self._log.warning("lease not released", error=_text(error), others_wait_seconds=self._terms.lease)
        else:
            self._log.info("lease released")

    def _left(self) -> float:
        until = self._until
        return 0.0 if until is None else until - self._now()

    def _lose(self, why: str) -> str:
        self._until = None
        self._log.error("lease lost", why=why, holder=self._lease.holder)
        return why

    def _warn_once(self, event: str, error: Exception) -> None:
        text = _text(error)
        # Once, and not every two seconds of an outage.
        level = self._log.debug if text == self._last_error else self._log.warning
        self._last_error = text
        cure = _cure(error)
        level(event, error=text, retry_seconds=self._terms.retry, **({"cure": cure} if cure else {}))


def _text(error: Exception) -> str:
    return str(error) or "the API server gave no answer in time"


def _cure(error: Exception) -> str:
    if not isinstance(error, ApiError):
        return ""
    return missing_right(str(error)) or (_MISSING_NAMESPACE if error.status == 404 else "")  # noqa: PLR2004


_FILE = "leader"


def identity() -> str:
    """Return a unique name, as client-go does: pods may share the name of their host, and all paths."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


def last_leader(folder: ScratchFolder) -> str:
    """Return who led from this folder last; empty where nobody is known to have.

    Whoever holds the lock of the folder knows that this leader and its engines are dead: its Lease is free.
    """
    try:
        return (folder.path / _FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def note_leader(folder: ScratchFolder, name: str) -> None:
    """Note who leads, so that the next process in this folder need not wait for the Lease to expire."""
    # Half a name, or none, costs no more than that wait.
    with suppress(OSError):
        (folder.path / _FILE).write_text(name, encoding="utf-8")


class Unopposed:
    """The leadership of a daemon without leader election."""

    leading = True
    standing_by = False

    def seconds_to_write(self) -> float:
        """Return that there is no limit."""
        return math.inf

    seconds_left = seconds_to_write

    async def acquire(self) -> None:
        """Return at once."""

    async def keep(self, lost: Callable[[], None] = lambda: None) -> str:  # noqa: ARG002
        """Never return."""
        await asyncio.Event().wait()
        return ""

    async def release(self) -> None:
        """Do nothing: nobody waits."""


Leadership = Leader | Unopposed
"""What the daemon knows of its leadership."""


async def while_leading(leadership: Leadership, work: Coroutine[Any, Any, T], halt: Callable[[], None]) -> T:
    """Do `work`, lead until it has ended, give the leadership back, and return what it returned.

    Parameters
    ----------
    work
        What only a leader may do. Whatever ends it, it returns when nothing of it acts any more.
    halt
        Called when the leadership is lost, before `work` is cancelled: ends at once what does not heed that. It must be
        safe in any thread, and may be called again.

    Raises
    ------
    LeadershipLostError
        It was lost, and nothing acts any more.
    """
    keeping = asyncio.create_task(leadership.keep(halt))
    working = asyncio.create_task(work)
    try:
        await asyncio.wait((keeping, working), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise LeadershipLostError(keeping.result())
        return working.result()
    finally:
        if not keeping.done():
            # Work that was cancelled from outside takes a while to end, and needs the leadership until then.
            working.cancel()
            await asyncio.wait((keeping, working), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            halt()
        await cancel_and_wait(working, keeping)
        await leadership.release()
