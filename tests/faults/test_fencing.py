"""A leader that was held up goes on after another has acted: it writes nothing, ends its engines and then itself."""

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from gateway_components.daemon.run import Exit
from gateway_components.kube.resources import CUSTOM_RESOURCES, EVENTS, SECRETS
from lab import wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace, running_engine
from tests.daemon.manifests import gateway
from tests.faults.cluster_objects import OWNED
from tests.faults.rival import HELD_UP, LEASE_SECONDS, PROGRAM

KINDS = (*(CUSTOM_RESOURCES[kind] for kind in ("AiGateway",)), *OWNED.values(), SECRETS, EVENTS)


@dataclass
class Rivals:
    """Two daemons that look after one namespace, by a Lease that lies there."""

    place: Namespace
    folder: Path

    @contextlib.contextmanager
    def daemon(self, name: str, *options: str, program: tuple[str, ...] = PROGRAM) -> Iterator[Daemon]:
        """Run one of them, and let it end by itself even if it was frozen."""
        scope = "--namespace", self.place.name, "--install-namespace", self.place.name
        with Daemon(self.place.lab, self.folder / name, *scope, *options, program=program) as running:
            try:
                yield running
            finally:
                running.process.send_signal(signal.SIGCONT)

    def versions(self) -> dict[str, str]:
        """Return the version of everything that a daemon writes there."""
        found = {}
        for resource in KINDS:
            path = resource.collection(self.place.name)
            listed = self.place.lab.api.get(path) or {"items": []}
            for raw in listed["items"]:
                if resource is not EVENTS or "agentic-layer" in raw["reportingController"]:
                    found[f"{resource.plural}/{raw['metadata']['name']}"] = raw["metadata"]["resourceVersion"]
        return found


@pytest.fixture
def rivals(place: Namespace, tmp_path: Path) -> Rivals:
    return Rivals(place, tmp_path)


def leads(daemon: Daemon) -> Callable[[], bool]:
    return lambda: bool(daemon.events("leading"))


def frozen(daemon: Daemon) -> Callable[[], bool]:
    return lambda: psutil.Process(daemon.process.pid).status() == psutil.STATUS_STOPPED


def taken_over(rivals: Rivals, second: Daemon, model: str) -> dict[str, str]:
    """Return the versions once the second daemon has led, done everything, and stopped."""
    wait_until(leads(second), timeout=SECONDS, what="the second leads")
    rivals.place.wait_config("chat", f"openai/{model}")
    rivals.place.wait_ready("chat")
    assert second.stop() == Exit.STOPPED
    return rivals.versions()


def drift(place: Namespace) -> None:
    port = '[{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]'
    place.kubectl("patch", "service", "chat", "--type=json", "-p", port)


FROZEN: Mapping[str, tuple[str, Callable[[Namespace], object]]] = {
    "before it removes a state": (
        "gateway_components.kube.state_secrets:StateSecrets.remove:1",
        lambda place: place.delete("AiGateway", "chat"),
    ),
    "before it tells of an event": (
        "gateway_components.daemon.reconcile.events:EventRecorder._publish:3",
        drift,
    ),
}
"""Where a leader stops that has applied a gateway and told so by two events, and what leads it there."""


@pytest.mark.parametrize("moment", FROZEN)
def test_a_leader_that_was_frozen_writes_nothing_afterwards(
    moment: str, rivals: Rivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, act = FROZEN[moment]
    place = rivals.place
    monkeypatch.setenv("FROZEN", where)
    with contextlib.ExitStack() as running:
        first = running.enter_context(rivals.daemon("first"))
        wait_until(leads(first), timeout=SECONDS, what="the first leads")
        monkeypatch.delenv("FROZEN")
        second = running.enter_context(rivals.daemon("second"))
        second.wait_for("standing by")
        place.apply(gateway("chat"))
        place.wait_ready("chat")
        for reason in ("ConfigurationApplied", "AiGatewayReady"):
            place.wait_event("chat", reason)
        act(place)
        wait_until(frozen(first), timeout=SECONDS, what="the first is frozen")
        place.apply(gateway("chat", "meanwhile"))
        before = taken_over(rivals, second, "meanwhile")

        first.process.send_signal(signal.SIGCONT)

        assert first.process.wait(SECONDS) == Exit.LOST_LEASE
        assert rivals.versions() == before
        assert not first.events("internal error")


def test_a_leader_that_is_held_up_ends_its_engines_in_time(
    rivals: Rivals,
) -> None:
    place = rivals.place
    with rivals.daemon("first") as first, rivals.daemon("second") as second:
        wait_until(lambda: leads(first)() or leads(second)(), timeout=SECONDS, what="one leads")
        leader, other = (first, second) if leads(first)() else (second, first)
        leader.wait_for("watching")
        place.apply(gateway("chat", "meanwhile"))
        engine = running_engine(leader)
        # It would go on for as long as it likes, and heeds no request to end.
        engine.suspend()
        marker = leader.state / HELD_UP
        marker.touch()

        psutil.wait_procs([engine], timeout=LEASE_SECONDS + 1)
        assert not engine.is_running(), (
            "before another may lead, though nothing of the event loop of the Lease runs"
        )
        before = taken_over(rivals, other, "meanwhile")
        marker.unlink()

        assert leader.process.wait(SECONDS) == Exit.LOST_LEASE
        assert rivals.versions() == before


def test_pods_of_one_host_and_path_do_not_evict_each_other(rivals: Rivals) -> None:
    place, shared = rivals.place, rivals.folder / "shared"
    volumes = [rivals.folder / name for name in ("one", "two")]
    for folder in (shared, *volumes):
        folder.mkdir()

    def pod(volume: Path) -> tuple[str, ...]:
        # What each of them sees at the same path is a volume of its own.
        mount = f'mount --bind "{volume}" "{shared}" && exec "$@"'
        return "unshare", "--mount", "sh", "-c", mount, "sh", *PROGRAM

    scratch = "--scratch-folder", str(shared)
    with rivals.daemon("first", *scratch, program=pod(volumes[0])) as first:
        wait_until(leads(first), timeout=SECONDS, what="the first leads")
        holder = first.events("leading")[0]["identity"]
        with rivals.daemon("second", *scratch, program=pod(volumes[1])) as second:
            reported = second.wait_for("standing by")
            place.apply(gateway("chat"))
            place.wait_ready("chat")

            assert reported["holder"] == holder
            assert not second.events("leading")
            assert first.process.poll() is None
        assert {file.name for volume in volumes for file in volume.iterdir()} >= {"daemon.lock"}
