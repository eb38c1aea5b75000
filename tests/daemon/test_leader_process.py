"""Two daemons on one cluster: exactly one acts, whatever happens to it, and the other takes over in time."""

import contextlib
import http.client
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_components.daemon.run import Exit
from lab import ControlPlane, wait_until
from tests.daemon.harness import Daemon, Namespace, running_engine
from tests.daemon.manifests import gateway
from tests.daemon.scrape import Scrape

LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/litellm-gateways"
TAKEOVER_SECONDS = 20.0
HANDOVER_SECONDS = 3.0
TO_STOP_SECONDS = 3.0
"""What is left of a lease of 15 s after 10 s without renewal is 5 s; so a loss must be over well before."""


class Pair:
    """Two daemons, each in a place of its own, started again when they have ended."""

    def __init__(self, lab: ControlPlane, folder: Path) -> None:
        self.lab = lab
        self._folder = folder
        self._daemons: dict[str, Daemon] = {}
        self._starts = 0

    def start(self) -> None:
        """Start those that do not run, and wait until one leads and one stands by."""
        for name in ("one", "two"):
            daemon = self._daemons.get(name)
            if daemon is None or daemon.process.poll() is not None:
                self._daemons[name] = self._begin(name)
        wait_until(
            lambda: sorted(self._roles()) == ["leading", "standing by"],
            timeout=60,
            what=f"a leader and a standby, and not {self._roles()}",
        )
        self.leader.wait_for("watching")

    def _begin(self, name: str) -> Daemon:
        # A log of its own for each start; the place stays the same.
        self._starts += 1
        folder = self._folder / f"{self._starts}-{name}"
        return Daemon(self.lab, folder, "--scratch-folder", str(self._folder / name), "--http-port", "0")

    def _roles(self) -> list[str]:
        return [role(daemon) for daemon in self._daemons.values()]

    @property
    def leader(self) -> Daemon:
        (found,) = (daemon for daemon in self._daemons.values() if role(daemon) == "leading")
        return found

    @property
    def standby(self) -> Daemon:
        (found,) = (daemon for daemon in self._daemons.values() if role(daemon) == "standing by")
        return found

    def end(self) -> None:
        for daemon in self._daemons.values():
            if daemon.process.poll() is None:
                daemon.process.send_signal(signal.SIGCONT)
                daemon.stop()


def role(daemon: Daemon) -> str:
    """Return what a daemon said last about its part."""
    if daemon.process.poll() is not None:
        return "ended"
    parts = ("leading", "standing by", "lease lost", "lease released")
    said = [line["event"] for line in daemon.log() if line["event"] in parts]
    return said[-1] if said else "starting"


@pytest.fixture(scope="module")
def one_pair(breakable_lab: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(breakable_lab, tmp_path_factory.mktemp("pair"))
    yield pair
    pair.end()


@pytest.fixture
def place(breakable_place: Namespace) -> Namespace:
    return breakable_place


@pytest.fixture
def pair(one_pair: Pair) -> Pair:
    one_pair.start()
    return one_pair


def asked(daemon: Daemon, what: str) -> tuple[int, str]:
    """Return status and text of what a daemon answers about itself."""
    port = daemon.wait_for("serving health and metrics")["port"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", f"/{what}")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def runs(daemon: Daemon, place: Namespace) -> int:
    """Return how often the engine ran for a namespace."""
    return len(daemon.events("engine ran", namespace=place.name))


def generation(place: Namespace, name: str) -> int:
    found: int = place.existing("Deployment", name)["metadata"]["generation"]
    return found


def wait_leading(daemon: Daemon, seconds: float) -> float:
    """Wait until a daemon leads; return how long it took."""
    began = time.monotonic()
    wait_until(lambda: role(daemon) == "leading", timeout=seconds, what="a new leader")
    return time.monotonic() - began


def holder(lab: ControlPlane) -> str:
    lease = lab.api.get(LEASE) or {"spec": {}}
    found: str = lease["spec"].get("holderIdentity") or ""
    return found


def test_one_acts_and_hands_over_at_once_when_it_is_stopped(pair: Pair, place: Namespace) -> None:
    first, second = pair.leader, pair.standby
    place.apply(gateway("handed-over"))
    place.wait_ready("handed-over")
    assert (runs(first, place), runs(second, place)) == (1, 0)
    assert not second.events("watching"), "a standby looks at nothing"
    assert [asked(daemon, "readyz")[0] for daemon in (first, second)] == [200, 200]
    assert [Scrape(asked(daemon, "metrics")[1]).value("leader") for daemon in (first, second)] == [1, 0]
    before = generation(place, "handed-over")

    first.process.send_signal(signal.SIGTERM)
    wait_leading(second, HANDOVER_SECONDS)

    assert first.process.wait(10) == Exit.STOPPED
    second.wait_for("watching")
    place.apply(gateway("handed-over", "after"))
    place.wait_config("handed-over", "openai/after")
    place.wait_ready("handed-over")
    # The run for the edit, and none for what the first one had applied.
    assert (runs(second, place), generation(place, "handed-over")) == (1, before + 1)


def test_a_killed_leader_is_replaced(pair: Pair, place: Namespace) -> None:
    first, second = pair.leader, pair.standby
    place.apply(gateway("orphan"))
    place.wait_ready("orphan")

    first.stop(signal.SIGKILL)
    place.apply(gateway("orphan", "after"))
    wait_leading(second, TAKEOVER_SECONDS)

    place.wait_config("orphan", "openai/after")
    place.wait_ready("orphan")
    assert runs(second, place) == 1


@pytest.mark.soak
def test_a_leader_that_was_frozen_too_long_does_nothing(pair: Pair, place: Namespace) -> None:
    first, second = pair.leader, pair.standby
    place.apply(gateway("stalled"))
    place.wait_ready("stalled")
    first.process.send_signal(signal.SIGSTOP)
    # It will find these changes waiting for it, and the answer that its timers are all due.
    place.apply(gateway("stalled", "meanwhile"), gateway("new"))
    wait_leading(second, TAKEOVER_SECONDS)
    place.wait_config("stalled", "openai/meanwhile")
    for name in ("stalled", "new"):
        place.wait_ready(name)
    before = runs(first, place), generation(place, "stalled"), generation(place, "new")

    first.process.send_signal(signal.SIGCONT)

    assert first.process.wait(TO_STOP_SECONDS) == Exit.LOST_LEASE
    assert (runs(first, place), generation(place, "stalled"), generation(place, "new")) == before
    assert "no renewal succeeded" in first.events("lease lost")[0]["why"]
    assert role(second) == "leading"


@pytest.mark.soak
def test_a_leader_that_lost_the_lease_stops_with_its_engine(pair: Pair, place: Namespace) -> None:
    first, second = pair.leader, pair.standby
    place.apply(gateway("taken"))
    engine = running_engine(first, within=30)
    # It would go on for as long as it likes, and heed no request to end.
    engine.suspend()
    patch = '{"spec":{"holderIdentity":"somebody"}}'
    pair.lab.kubectl("-n", "default", "patch", "lease", "litellm-gateways", "--type=merge", "-p", patch)

    # Two seconds until it looks, and the rest to end everything.
    assert first.process.wait(2.0 + TO_STOP_SECONDS) == Exit.LOST_LEASE
    assert not engine.is_running()
    assert first.events("lease lost")[0]["holder"] == "somebody"

    wait_leading(second, TAKEOVER_SECONDS)
    place.wait_ready("taken")
    assert runs(second, place) == 1


@pytest.mark.soak
def test_a_lease_that_is_deleted_stays_with_its_leader(pair: Pair, place: Namespace) -> None:
    first, second = pair.leader, pair.standby
    before = holder(pair.lab)

    pair.lab.kubectl("-n", "default", "delete", "lease", "litellm-gateways")

    wait_until(lambda: holder(pair.lab), timeout=60, what="a new Lease")
    assert holder(pair.lab) == before
    place.apply(gateway("undisturbed"))
    place.wait_ready("undisturbed")
    assert (role(first), role(second), runs(first, place)) == ("leading", "standing by", 1)


@pytest.mark.soak
def test_a_leader_stops_in_an_outage_and_one_leads_after_it(pair: Pair, place: Namespace) -> None:
    place.apply(gateway("cut-off"))
    place.wait_ready("cut-off")
    first, before = pair.leader, generation(place, "cut-off")

    pair.lab.stop_api_server()
    try:
        assert first.process.wait(10.0 + TO_STOP_SECONDS) == Exit.LOST_LEASE
    finally:
        pair.lab.start_api_server()

    pair.start()
    place.apply(gateway("cut-off", "after"))
    place.wait_config("cut-off", "openai/after")
    wait_until(lambda: generation(place, "cut-off") > before, timeout=60, what="the new Deployment")
    place.wait_ready("cut-off")
    assert generation(place, "cut-off") == before + 1
