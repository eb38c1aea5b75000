"""Wiring: starts the parts of the daemon, keeps them running, stops them in order."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.exit import Exit
from gateway_components.daemon.identity import identity, last_leader, note_leader
from gateway_components.daemon.leader import (
    Leader,
    Leadership,
    LeadershipLostError,
    Terms,
    Unopposed,
    elected,
    steady_seconds,
    while_leading,
)
from gateway_components.daemon.memory import Rest, spare_memory
from gateway_components.daemon.observe.observation import Observation
from gateway_components.daemon.opening import open_engine
from gateway_components.daemon.passes import Passes
from gateway_components.daemon.pods import PodReader
from gateway_components.daemon.queue import Schedule, WorkQueue
from gateway_components.daemon.reconcile import Reconciler
from gateway_components.daemon.repair import Repairer
from gateway_components.daemon.report import Reporter
from gateway_components.daemon.settings.file import Sources
from gateway_components.daemon.settings.live import LiveSettings
from gateway_components.daemon.settings.model import Settings
from gateway_components.daemon.settings.watch import SettingsReader, follow
from gateway_components.daemon.stored import StoredEngine
from gateway_components.daemon.triggers import Wake
from gateway_components.daemon.view import ClusterView
from gateway_components.daemon.watchdog import watchdog
from gateway_components.daemon.workers import Workers
from gateway_components.engine.locate import find_engine, find_provider
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.state import StateFolder
from gateway_components.kube.client import KubeClient
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.lease import Lease
from gateway_components.kube.permissions import LEASE
from gateway_components.kube.reflector import Cause
from gateway_components.kube.resources import Resource
from gateway_components.together import ended, raise_failures

__all__ = ["run"]

_QUIET_SHARE = 0.1
"""Part of the batch time without a change after which a pass begins."""
_MOST_THREADS = 64
"""They are made when they are needed; as many as workers may be asked for."""

_STATE_SECONDS = 2.0
"""After a write of a state this long, nobody but others can have made it."""


@dataclass(frozen=True, slots=True)
class _Working:
    """What works once the picture is complete."""

    stacks: Stacks
    engine: StoredEngine
    reconciler: Reconciler


async def run(live: LiveSettings, sources: Sources) -> Exit:
    """Reconcile until SIGTERM or SIGINT.

    Parameters
    ----------
    live
        Settings to run with.
    sources
        Where they come from; their file is read again when it changes.

    Returns
    -------
    Exit
        ``STOPPED`` where every pass could finish, ``INTERRUPTED`` where an engine run had to be cut short,
        ``LOST_LEASE`` where another daemon may act from now on.

    Raises
    ------
    CredentialsError, EngineMissingError, StateLockedError, EngineError, PortError
        The daemon cannot start.
    """
    spare_memory()
    settings = live.current
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Before anything is waited for: what is missing here no waiting brings.
    find_engine()
    find_provider()
    with (
        StateFolder(settings.scratch_folder) as folder,
        ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="engine") as executor,
    ):
        async with await KubeClient.connect(settings.kubeconfig) as client:
            clock = Clock(executor)
            leadership = _leadership(settings, client, folder, clock)
            # All that acts gets a client that asks whether it may; the Lease alone has the bare one.
            daemon = _Daemon(live, FencedClient(client, leadership), folder, clock, leadership)
            reader = SettingsReader(live, sources, daemon.settings_reloaded)
            async with daemon.observed.serving(settings.http_port):
                return await daemon.run_elected(stop, reader)


def _leadership(settings: Settings, client: KubeClient, folder: StateFolder, clock: Clock) -> Leadership:
    if not settings.leader_election:
        return Unopposed()
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
    return Leader(lease, terms, steady_seconds, lambda name: note_leader(folder, name))


class _Daemon:
    def __init__(
        self,
        live: LiveSettings,
        client: FencedClient,
        folder: StateFolder,
        clock: Clock,
        leadership: Leadership,
    ) -> None:
        settings = live.current
        self._leadership = leadership
        self._live = live
        self._client = client
        self._folder = folder
        self._clock = clock
        self.observed = Observation(
            clock.now,
            lambda: self._live.current.engine_seconds,
            lambda: self._queue.depth(),  # noqa: PLW0108  (it is made later, and so is the next)
            lambda: self._view.conditions(),  # noqa: PLW0108
            self._missing,
            os.environ,
        )
        self._telemetry = self.observed.telemetry
        self._queue: WorkQueue[str] = WorkQueue(
            Schedule(settings.batch_seconds * _QUIET_SHARE, settings.batch_seconds),
            clock.now,
            self._telemetry.taken,
        )
        self._workers = Workers(self._queue, self._pass, settings.workers)
        live.subscribe(self._adjust)
        self._reporter = Reporter(client, clock)
        wake = Wake(self._queue.change, self._namespace_leaves, self._reporter.forget, self._state_changed)
        self._view = ClusterView(client, wake, settings.namespaces, self._watch_restarted)
        self._working: _Working | None = None
        self._rest = Rest()
        self._passes = Passes(self._telemetry)
        self._log = structlog.get_logger()

    async def run_elected(self, stop: asyncio.Event, reader: SettingsReader) -> Exit:
        """Run while this daemon leads."""
        if not await elected(self._leadership, stop):
            self._log.info("stopped")
            return Exit.STOPPED
        self._telemetry.leads(leader=True)
        try:
            return await while_leading(self._leadership, self._run(stop, reader), self._halt)
        except LeadershipLostError:
            # What this process knows may be out of date; the supervisor starts one that knows nothing.
            return Exit.LOST_LEASE
        finally:
            self._telemetry.leads(leader=False)

    async def _run(self, stop: asyncio.Event, reader: SettingsReader) -> Exit:
        watching = asyncio.create_task(self._view.run())
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        following = asyncio.create_task(follow(reader))
        tasks = (watching, working, stopping, following)
        for name, lasting in (("watching", watching), ("working", working), ("following", following)):
            self.observed.vitals.depends_on(name, lasting)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # A part that ends before it is told to has failed: its error ends the daemon.
            raise_failures(watching, working, following)
            return await self._finish(working)
        finally:
            await ended(*tasks)

    def settings_reloaded(self, accepted: bool) -> None:
        """Hear that the settings file was read again."""
        self._telemetry.settings_reloaded(accepted=accepted)

    def _watch_restarted(self, resource: Resource, cause: Cause) -> None:
        self._telemetry.watch_restarted(resource.plural, cause)

    def _may_act(self) -> bool:
        return self._leadership.leading

    def _halt(self) -> None:
        if self._working:
            self._working.stacks.halt()

    def _missing(self) -> list[str]:
        if not self._leadership.leading:
            # Who can take over at any time has nothing left to wait for.
            return [] if self._leadership.standing_by else ["the Lease was not read yet"]
        missing = self._view.missing()
        return missing if missing or self._working else ["the work has not begun"]

    def _adjust(self, settings: Settings) -> None:
        self._queue.adjust(settings.batch_seconds * _QUIET_SHARE, settings.batch_seconds)
        self._workers.resize(settings.workers)
        if self._working:
            self._working.stacks.limit(settings.engine_seconds)

    def _namespace_leaves(self, namespace: str) -> None:
        # The engine would try again and again to create what the API server refuses there.
        if self._working and namespace in self._working.stacks.running():
            self._log.info("interrupting the engine", namespaces=[namespace], why="the namespace is deleted")
            self._working.stacks.interrupt(namespace)

    def _state_changed(self, namespace: str) -> None:
        # Our own writes are seen here, too, and often before their answers.
        asyncio.get_running_loop().call_later(_STATE_SECONDS, self._look_at_state, namespace)

    def _look_at_state(self, namespace: str) -> None:
        known = self._working.engine.version(namespace) if self._working else None
        if known is not None and not self._view.is_state_current(namespace, known):
            self._queue.change(namespace)

    async def _work(self) -> None:
        settings = self._live.current
        self._log.info("starting", workers=settings.workers, scratch=str(settings.scratch_folder))
        await self._view.synced()
        self._working = await self._begin()
        self._log.info("watching", namespaces=len(self._view.namespaces()))
        # Namespaces whose gateways all went while no daemon ran have state and no event.
        for namespace in self._view.stored() | self._view.namespaces():
            self._queue.change(namespace)
        with watchdog(self._may_act, self._working.stacks.halt):
            await self._workers.run()

    async def _begin(self) -> _Working:
        stacks, engine = await open_engine(
            self._live.current, self._client, self._folder, self._clock, self._may_act
        )
        repairer = Repairer(self._client)
        reconciler = Reconciler(
            self._view,
            engine,
            self._reporter,
            self._clock,
            self._telemetry,
            repairer,
            PodReader(self._client).read,
            self._queue.changed,
        )
        return _Working(stacks, engine, reconciler)

    async def _pass(self, namespace: str) -> None:
        assert self._working is not None  # noqa: S101  (the workers start after it)
        again = await self._passes.make(namespace, self._working.reconciler.reconcile)
        self._rest.begin()
        if again is not None:
            self._queue.ask(namespace, again)

    async def _finish(self, working: asyncio.Task[None]) -> Exit:
        seconds = self._live.current.stop_seconds
        self._log.info("stopping", limit_seconds=seconds)
        self._queue.close()
        if self._working is None:
            # Nothing has begun: the first look at the cluster may never end.
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
