"""Killed again and again under a churn of edits, the daemon loses nothing, leaves nothing and ends up right."""

import random
import signal
import threading
from pathlib import Path

from lab import ControlPlane, wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace, gateway, tool_gateway, tool_route

KILLS = 8
GATEWAYS = 4
TOOL_GATEWAYS = ("tools-0", "tools-1")


class Churn(threading.Thread):
    """Creates, edits and deletes gateways and their objects, and moves a route, until told to stop."""

    def __init__(self, place: Namespace, seed: int) -> None:
        super().__init__(daemon=True)
        self.wanted: dict[str, str] = {}
        self.serving = TOOL_GATEWAYS[0]
        self._place = place
        self._random = random.Random(seed)
        self._stop_asked = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._stop_asked.is_set():
            number += 1
            name = f"churned-{self._random.randrange(GATEWAYS)}"
            luck = self._random.random()
            if luck < 0.15 and name in self.wanted:
                self._place.kubectl("delete", "aigateway", name, "--wait=false")
                del self.wanted[name]
            elif luck > 0.8:
                self.serving = self._random.choice(TOOL_GATEWAYS)
                self._place.apply(tool_route("mover", self.serving))
            elif luck < 0.25:
                self._place.kubectl(
                    "delete", "deployment,service", name, "--ignore-not-found", "--wait=false"
                )
            else:
                self._place.apply(gateway(name, f"model-{number}"))
                self.wanted[name] = f"model-{number}"

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()


def test_kills_under_churn_leave_the_cluster_as_it_is_wanted(own_lab: ControlPlane, tmp_path: Path) -> None:
    own_lab.kubectl("create", "namespace", "churn")
    place = Namespace(own_lab, "churn")
    place.apply(*(tool_gateway(name) for name in TOOL_GATEWAYS), tool_route("mover", TOOL_GATEWAYS[0]))
    churn, chance = Churn(place, seed=7), random.Random(11)
    churn.start()
    for _ in range(KILLS):
        with Daemon(own_lab, tmp_path) as daemon:
            # A number of lines is a moment anywhere in a pass, and not the same one twice.
            lines = len(daemon.log()) + chance.randrange(1, 25)
            wait_until(lambda d=daemon, n=lines: len(d.log()) >= n, timeout=SECONDS, what="log lines")  # type: ignore[misc]
            daemon.stop(signal.SIGKILL)
    churn.stop()

    with Daemon(own_lab, tmp_path) as daemon:
        for name, model in churn.wanted.items():
            place.wait_config(name, f"openai/{model}\n")
            place.wait_ready(name)
        place.wait_route("mover", "Reconciled", f"{place.name}/{churn.serving}")
        for name in TOOL_GATEWAYS:
            place.wait_servers(name, *(["churn__mover"] if name == churn.serving else []))
        assert f"http://{churn.serving}.churn." in place.url("ToolRoute", "mover")
        names = sorted((*churn.wanted, *TOOL_GATEWAYS))
        for kind, expected in (
            ("Deployment", names),
            ("Service", names),
            ("ConfigMap", [f"{n}-config" for n in names]),
        ):
            wait_until(
                lambda k=kind, e=expected: sorted(found["metadata"]["name"] for found in place.list(k)) == e,  # type: ignore[misc]
                timeout=SECONDS,
                what=f"exactly the wanted objects of kind {kind}",
            )
        assert not daemon.events("internal error")
    own_lab.kubectl("delete", "namespace", "churn", "--wait=false")
