"""Moments at which a daemon is killed, and daemons in a row that are killed at them."""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab import ControlPlane
from tests.daemon.harness import Daemon, Namespace, alone, fresh_namespace
from tests.daemon.manifests import gateway, tool_gateway, tool_route
from tests.faults.fatal import PROGRAM
from tests.faults.truth import assert_true

SECONDS = 120.0
SMALL_PARTS = {"PART_BYTES": "1500"}
PIECES = {"GROUP": "1"}
"""Each gateway has a Secret of its own."""

STORED = "gateway_components.kube.state_secrets:StateSecrets"
STACKS = "gateway_components.engine.stacks:Stacks"
STATES = "gateway_components.engine.states:States"
ENTRIES = "gateway_components.engine.entries:StateEntries"
ENGINE = "gateway_components.engine.diagnostics:Diagnostics.on_event"
ENGINE_ENDS = "gateway_components.engine.process:EngineCommand.execute"
STATUS = "gateway_components.daemon.reconcile.report:write_status"
RECORDER = "gateway_components.daemon.reconcile.events:EventRecorder"
REPORTER = "gateway_components.daemon.reconcile.report:Reporter"


def create(place: Namespace, _: str) -> None:
    place.apply(gateway("chat"), tool_gateway("tools"), tool_route("route", "tools"))


def edit(place: Namespace, word: str) -> None:
    place.apply(gateway("chat", word), tool_gateway(word), tool_route("route", word))


def edit_one(place: Namespace, word: str) -> None:
    place.apply(gateway("chat", word))


def drift(place: Namespace, _: str) -> None:
    port = {"op": "replace", "path": "/spec/ports/0/port", "value": 81}
    place.lab.api.patch(f"{place.path('Service')}/chat", [port], "kubectl-patch")


def leave(place: Namespace, _: str) -> None:
    place.patch("AiGateway", "chat", {"spec": {"aiGatewayClassName": "another"}})


def delete_all(place: Namespace, _: str) -> None:
    for kind in ("AiGateway", "ToolGateway", "ToolRoute"):
        place.lab.api.delete_all(place.path(kind))


Moment = tuple[str, Callable[[Namespace, str], None], Mapping[str, str]]
"""Where the daemon dies, what leads it there, and the options of its program."""

AT_START = "before the passphrase"
MOMENTS: Mapping[str, Moment] = {
    AT_START: ("gateway_components.daemon.state:install_passphrase:before:1", create, {}),
    "between the run of a slice and its merge": (f"{ENGINE_ENDS}:after:1", edit, {}),
    "before a release": (f"{REPORTER}.released:before:1", leave, {}),
    "before the intent": (f"{STORED}.intend:before:1", create, {}),
    "in the middle of a merge": (f"{ENTRIES}._remove:before:1", edit, {}),
    "between a release and the state": (f"{REPORTER}.released:after:1", leave, {}),
    "after the intent": (f"{STORED}.intend:after:1", create, {}),
    "during a correction": (f"{STACKS}.apply:before:1", drift, {}),
    "before the state is removed": (f"{STATES}.forget:before:1", delete_all, {}),
    "while the engine starts": (f"{ENGINE}:before:3", create, {}),
    "while the engine makes objects": (f"{ENGINE}:before:12", create, {}),
    "between the run of an edit and the state": (f"{STACKS}.apply:after:1", edit, {}),
    "between the release of the folder and of the state": (f"{STATES}.release:after:1", leave, {}),
    "while the engine goes on": (f"{ENGINE}:before:16", create, {}),
    "between a correction and its event": (f"{RECORDER}.drift_corrected:before:1", drift, {}),
    "between the folder and the state": (f"{STATES}.forget:after:1", delete_all, {}),
    "between the run and the state": (f"{STACKS}.apply:after:1", create, {}),
    "between the state and the statuses": (f"{STORED}.save:after:1", create, {}),
    "between two statuses": (f"{STATUS}:after:1", create, {}),
    "between a status and its event": (f"{RECORDER}.condition:before:1", create, {}),
    "between the parts of a state": (f"{STORED}._create_part:after:1", create, SMALL_PARTS),
    "between the parts and the head of an edit": (f"{STORED}._write:before:2", edit, SMALL_PARTS),
    "between the head and the removal of old parts": (f"{STORED}._delete_part:before:1", edit, SMALL_PARTS),
    "before the parts are removed": (f"{STORED}._remove_parts:before:1", delete_all, SMALL_PARTS),
    "between the parts and the head": (f"{STORED}._write:before:2", create, SMALL_PARTS),
    "between two of the old parts": (f"{STORED}._delete_part:after:1", edit, SMALL_PARTS),
    "between the parts and the removal of the head": (
        f"{STORED}._remove_parts:after:1",
        delete_all,
        SMALL_PARTS,
    ),
    "between the piece of a gateway and the head": (f"{STORED}._create_part:after:1", edit_one, PIECES),
    "between the head and the piece of before": (f"{STORED}._delete_part:before:1", edit_one, PIECES),
    "after the piece of before": (f"{STORED}._delete_part:after:1", edit_one, PIECES),
}
"""In an order that leaves to most of them what they need: gateways to edit, or a daemon with the same options."""


@dataclass
class Life:
    """A daemon and what it looks after, which is at rest: a namespace with gateways, and one without any."""

    options: Mapping[str, str]
    daemon: Daemon
    empty: Namespace
    whole: Namespace | None = None


@dataclass
class Lives:
    """Daemons in a row: each puts right what the one before left when it was killed, and is killed in its turn.

    So there is one start for each moment, and each moment has a test of its own. A failure leaves no daemon to the
    next test.
    """

    lab: ControlPlane
    folder: Path
    _places: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _starts: int = 0
    _life: Life | None = None

    def kill(self, moment: str) -> None:
        """Have the daemon killed at a moment, and the next one put everything right."""
        fatal, act, options = MOMENTS[moment]
        self._armed.unlink(missing_ok=True)
        if self._life and (moment == AT_START or self._life.options != options):
            self._end()
        if act is create:
            self._armed.write_text(fatal)
        life, self._life = self._life or self._born(options), None
        with life.daemon:
            place = life.empty
            if act is not create:
                place = life.whole or self._filled(life.empty)
                self._armed.write_text(fatal)
            act(place, f"edit-{self._starts}")
            assert life.daemon.process.wait(SECONDS) == -signal.SIGKILL
            assert not life.daemon.events("internal error")
        self._armed.unlink()
        following = self._born(options, place, life.empty if place is not life.empty else None)
        with contextlib.ExitStack() as failed:
            failed.enter_context(following.daemon)
            assert_true(self.lab, [place.name], seconds=SECONDS)
            if act is create:
                # Else the next moment could be one of these rollouts, whose end is reported, too.
                place.wait_ready("chat")
                place.wait_ready("tools", "ToolGateway")
            assert not following.daemon.events("internal error")
            failed.pop_all()
        if act in {leave, delete_all}:
            following.whole = None
        self._life = following

    def close(self) -> None:
        """Stop the daemon, and empty all namespaces."""
        with self._places:
            self._end()

    @property
    def _armed(self) -> Path:
        return self.folder / "armed"

    def _end(self) -> None:
        if self._life is not None:
            with self._life.daemon:
                self._life = None

    def _born(
        self, options: Mapping[str, str], whole: Namespace | None = None, empty: Namespace | None = None
    ) -> Life:
        empty = empty or self._places.enter_context(fresh_namespace(self.lab))
        self._starts += 1
        # Every other one goes on elsewhere, as a pod on another node.
        scratch = "--scratch-folder", str(self.folder / f"scratch-{self._starts // 2}")
        scope = alone(*filter(None, (whole, empty)))
        fatal = {
            "FATAL": " ".join({fatal: None for fatal, _, _ in MOMENTS.values()}),
            "ARMED": str(self._armed),
        }
        folder = self.folder / f"life-{self._starts}"
        return Life(
            options, started(self.lab, folder, (*scope, *scratch), {**options, **fatal}), empty, whole
        )

    def _filled(self, place: Namespace) -> Namespace:
        create(place, "")
        place.wait_ready("chat")
        place.wait_route("route", "Reconciled")
        assert_true(self.lab, [place.name], seconds=SECONDS)
        return place


def started(lab: ControlPlane, folder: Path, scope: tuple[str, ...], options: Mapping[str, str]) -> Daemon:
    os.environ.update(options)
    try:
        return Daemon(lab, folder, *scope, program=PROGRAM)
    finally:
        for name in options:
            del os.environ[name]
