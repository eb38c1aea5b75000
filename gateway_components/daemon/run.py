"""Wiring: starts the parts of the daemon, keeps them running, stops them in order."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum

import structlog

from gateway_components.concurrency import cancel_and_wait, raise_failures, unless_stopped
from gateway_components.daemon.clock import Clock, steady_seconds
from gateway_components.daemon.leader import (
    Leader,
    Leadership,
    LeadershipLostError,
    Terms,
    Unopposed,
    identity,
    last_leader,
    note_leader,
    while_leading,
)
from gateway_components.daemon.memory import IdleTimer, spare_memory
from gateway_components.daemon.observe.health import Observation, Review
from gateway_components.daemon.reconcile.plan_worker import PlanWorker
from gateway_components.daemon.reconcile.planner import Planner
from gateway_components.daemon.reconcile.reconciler import Reconciler
from gateway_components.daemon.reconcile.repair import Repairer
from gateway_components.daemon.reconcile.report import Reporter
from gateway_components.daemon.reconcile.rollouts import PodReader
from gateway_components.daemon.reconcile.work_queue import Requeue, Schedule, WorkQueue
from gateway_components.daemon.settings import Settings
from gateway_components.daemon.side_loop import SideLoop, watchdog
from gateway_components.daemon.state import StoredEngine, open_engine
from gateway_components.daemon.watch.dependents import Callbacks
from gateway_components.daemon.watch.view import ClusterView
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.programs import find_engine, find_provider
from gateway_components.engine.stacks import Stacks
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.lease import LEASE, Lease
from gateway_components.kube.reviews import AccessReviewer

_QUIET_SHARE = 0.1
"""Part of the batch time without a change after which a reconcile begins."""
_MOST_THREADS = 64
"""They start on demand, at most one for each configurable worker."""

_RECONCILES_EACH = 4
"""Concurrent reconciles for each concurrent engine run."""

_STATE_SECONDS = 2.0
"""After a write of a state this long, nobody but others can have made it."""


class Exit(IntEnum):
    """Exit codes of the daemon."""

    STOPPED = 0
    INTERNAL_ERROR = 1
    BAD_SETTINGS = 2
    NO_ENGINE = 3
    NO_CREDENTIALS = 4
    STATE_IN_USE = 5
    INTERRUPTED = 6
    LOST_LEASE = 7


@dataclass(frozen=True, slots=True)
class _Working:
    """What runs once the cache has synced."""

    stacks: Stacks
    engine: StoredEngine
    reconciler: Reconciler


async def run(settings: Settings) -> Exit:
    """Reconcile until SIGTERM or SIGINT.

    Return ``STOPPED`` where every reconcile could finish, ``INTERRUPTED`` where an engine run had to be cut short,
    ``LOST_LEASE`` where another daemon may act from now on.

    Raises CredentialsError, EngineMissingError, StateLockedError, EngineError or PortError: the daemon cannot start.
    """
    spare_memory()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Before anything is waited for: waiting does not provide what is missing here.
    find_engine()
    find_provider()
    with (
        ScratchFolder(settings.scratch_folder) as folder,
        ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="engine") as executor,
        SideLoop(steady_seconds) as side,
    ):
        clock = Clock(executor)
        async with (
            await KubeClient.connect(settings.kubeconfig) as client,
            _leadership(settings, folder, clock, side) as leadership,
            aclosing(PlanWorker()) as plan_worker,
        ):
            # All that acts gets a client that asks whether it may; the Lease alone has the bare one.
            daemon = _Daemon(
                settings, FencedClient(client, leadership), folder, clock, leadership, side, plan_worker
            )
            async with (
                _reviewer(settings, side) as review,
                daemon.observed.serving(settings.http_port, review),
            ):
                return await daemon.run_elected(stop)


@asynccontextmanager
async def _leadership(
    settings: Settings, folder: ScratchFolder, clock: Clock, side: SideLoop
) -> AsyncIterator[Leadership]:
    if not settings.leader_election:
        yield Unopposed()
        return
    # Connections belong to one event loop, and those of the Lease must not wait for others.
    async with side.within(await side.run(KubeClient.connect(settings.kubeconfig))) as client:
        yield _leader(settings, client, folder, clock, side)


@asynccontextmanager
async def _reviewer(settings: Settings, side: SideLoop) -> AsyncIterator[Review | None]:
    if not settings.metrics_auth:
        yield None
        return
    # Made-up tokens are asked about on connections that nothing else waits for.
    async with side.within(await side.run(KubeClient.connect(settings.kubeconfig))) as client:
        yield AccessReviewer(client, "/metrics", steady_seconds).verdict


def _leader(
    settings: Settings, client: KubeClient, folder: ScratchFolder, clock: Clock, side: SideLoop
) -> Leader:
    terms = Terms()
    lease = Lease(
        client,
        settings.install_namespace,
        LEASE,
        identity(),
        predecessor=last_leader(folder),
        seconds=terms.lease,
        now=steady_seconds,
        timestamp=lambda: clock.timestamp(precise=True),
    )
    return Leader(lease, terms, steady_seconds, lambda name: note_leader(folder, name), side.silence, side)


class _Daemon:
    def __init__(
        self,
        settings: Settings,
        client: FencedClient,
        folder: ScratchFolder,
        clock: Clock,
        leadership: Leadership,
        side: SideLoop,
        plan_worker: PlanWorker,
    ) -> None:
        self._leadership = leadership
        self._settings = settings
        self._client = client
        self._folder = folder
        self._clock = clock
        self.observed = Observation(
            clock.now,
            settings.engine_seconds,
            lambda: self._queue.depth(),  # noqa: PLW0108  (it is made later, and so is the next)
            lambda: self._view.conditions(),  # noqa: PLW0108
            self._missing,
            side,
            os.environ,
        )
        self._queue: WorkQueue[str] = WorkQueue(
            Schedule(settings.batch_seconds * _QUIET_SHARE, settings.batch_seconds),
            clock.now,
            self.observed.taken,
        )
        self._reporter = Reporter(client, clock)
        self._planner = Planner(clock, plan_worker, self.observed)
        callbacks = Callbacks(self._queue.change, self._namespace_leaves, self._forget, self._state_changed)
        self._view = ClusterView(
            client,
            callbacks,
            settings.namespaces,
            lambda resource, cause: self.observed.watch_restarted(resource.plural, cause),
            policy=settings.policy,
        )
        self._working: _Working | None = None
        self._idle = IdleTimer()
        self._requeue = Requeue(self.observed)
        self._log = structlog.get_logger()

    async def run_elected(self, stop: asyncio.Event) -> Exit:
        if not await unless_stopped(self._leadership.acquire(), stop):
            self._log.info("stopped")
            return Exit.STOPPED
        self.observed.leads(leader=True)
        try:
            return await while_leading(self._leadership, self._run(stop), self._halt)
        except LeadershipLostError:
            # What this process knows may be out of date; the supervisor starts one that knows nothing.
            return Exit.LOST_LEASE
        finally:
            self.observed.leads(leader=False)

    async def _run(self, stop: asyncio.Event) -> Exit:
        watching = asyncio.create_task(self._view.run())
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        tasks = (watching, working, stopping)
        for name, lasting in (("watching", watching), ("working", working)):
            self.observed.vitals.depends_on(name, lasting)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # A part that ends early has failed: its error ends the daemon.
            raise_failures(watching, working)
            return await self._finish(working)
        finally:
            await cancel_and_wait(*tasks)

    def _halt(self) -> None:
        if self._working:
            self._working.stacks.halt()

    def _missing(self) -> list[str]:
        if not self._leadership.leading:
            # Who can take over at any time has nothing left to wait for.
            return [] if self._leadership.standing_by else ["the Lease was not read yet"]
        missing = self._view.missing()
        return missing if missing or self._working else ["the work has not begun"]

    def _namespace_leaves(self, namespace: str) -> None:
        # The engine would try again and again to create what the API server refuses there.
        if self._working and namespace in self._working.stacks.running():
            self._log.info("interrupting the engine", namespaces=[namespace], why="the namespace is deleted")
            self._working.stacks.interrupt(namespace)

    def _forget(self, subject: Identity) -> None:
        self._reporter.forget(subject)
        self._planner.forget(subject)

    def _state_changed(self, namespace: str) -> None:
        # Our own writes are seen here, too, and often before their answers.
        asyncio.get_running_loop().call_later(_STATE_SECONDS, self._look_at_state, namespace)

    def _look_at_state(self, namespace: str) -> None:
        known = self._working.engine.version(namespace) if self._working else None
        if known is not None and not self._view.is_state_current(namespace, known):
            self._queue.change(namespace)

    async def _work(self) -> None:
        workers = self._settings.workers
        self._log.info("starting", workers=workers, scratch=str(self._settings.scratch_folder))
        await self._view.synced()
        self._working = await self._begin()
        self._log.info("watching", namespaces=len(self._view.namespaces()))
        # Namespaces whose gateways all went while no daemon ran have state and no event.
        for namespace in self._view.stored() | self._view.namespaces():
            self._queue.change(namespace)
        with watchdog(self._leadership.seconds_left, self._working.stacks.halt):
            # More reconciles than engine runs: one that waits for room delays no edit and no status of others.
            await self._queue.serve(self._reconcile, workers * _RECONCILES_EACH)

    async def _begin(self) -> _Working:
        stacks, engine = await open_engine(
            self._settings, self._client, self._folder, self._clock, lambda: self._leadership.leading
        )
        repairer = Repairer(self._client)
        reconciler = Reconciler(
            self._view,
            engine,
            self._reporter,
            self._clock,
            self.observed,
            repairer,
            PodReader(self._client).read,
            self._queue.changed,
            self._planner.plan,
            self._queue.is_free,
        )
        return _Working(stacks, engine, reconciler)

    async def _reconcile(self, namespace: str) -> None:
        assert self._working is not None  # noqa: S101  (the workers start after it)
        again = await self._requeue.run(namespace, self._working.reconciler.reconcile)
        self._idle.restart()
        if again is not None:
            self._queue.ask(namespace, again)

    async def _finish(self, working: asyncio.Task[None]) -> Exit:
        seconds = self._settings.stop_seconds
        self._log.info("stopping", limit_seconds=seconds)
        self._queue.close()
        if self._working is None:
            # Nothing has started: the first list of the cluster may never end.
            working.cancel()
            await asyncio.wait((working,))
            self._log.info("stopped")
            return Exit.STOPPED
        stacks = self._working.stacks
        await asyncio.wait((working,), timeout=seconds)
        if working.done():
            self._log.info("stopped")
            return Exit.STOPPED
        self._log.warning(
            "interrupting the engine",
            namespaces=sorted(stacks.running()),
            after_seconds=seconds,
        )
        working.cancel()
        await asyncio.to_thread(stacks.stop)
        return Exit.INTERRUPTED
