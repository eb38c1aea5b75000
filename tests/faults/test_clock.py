"""A clock of the wall that jumps, as when a machine wakes up or its time is set: nothing but timestamps follows it."""

import ast
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

import gateway_components
from lab import wait_until
from tests.daemon.harness import GATEWAYCTL, SECONDS, Daemon, Namespace, elected
from tests.daemon.manifests import gateway
from tests.faults.truth import assert_true

LIBRARY = "vendor/libfaketime/src/libfaketime.so.1"

SHOWN = {
    "daemon/clock.py": "the times that conditions and events carry",
    "cli/status.py": "ages of objects in a table",
}
"""Modules that ask for the time of day, and what for; all else measures time by a clock that never jumps."""

WALL = {"today", "utcnow", "gmtime", "localtime", "st_mtime", "time_ns"}


@pytest.mark.soak
def test_a_clock_that_jumps_forth_and_back(place: Namespace, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    found = find_spec("libfaketime")
    assert found is not None
    assert found.origin is not None
    jumping = (
        "env",
        f"LD_PRELOAD={Path(found.origin).parent / LIBRARY}",
        f"FAKETIME_TIMESTAMP_FILE={offset}",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "FAKETIME_CACHE_DURATION=1",
        str(GATEWAYCTL),
    )
    with Daemon(place.lab, tmp_path, *elected(place), program=jumping) as daemon:
        place.apply(gateway("timeless"))
        place.wait_ready("timeless")

        for jump, model in (("+20h", "tomorrow"), ("-30m", "earlier"), ("+0", "now")):
            offset.write_text(f"{jump}\n")
            place.apply(gateway("timeless", model))
            place.wait_config("timeless", f"openai/{model}")
            place.delete("Service", "timeless")
            wait_until(lambda: place.get("Service", "timeless"), timeout=SECONDS, what="the Service again")
            _wait_for_jump(daemon, jump)
            assert_true(place.lab, [place.name])

        assert daemon.process.poll() is None
        assert len(daemon.events("watching")) == 1, "it never stopped to lead"
        assert len(daemon.events("engine ran")) < 20, "nor did it do anything over and over"
        assert not daemon.events("watch broken")


def _wait_for_jump(daemon: Daemon, jump: str) -> None:
    """Wait until the daemon itself believes in another time."""
    due = {"+20h": timedelta(hours=20), "-30m": timedelta(minutes=-30), "+0": timedelta()}[jump]
    close = timedelta(minutes=5)

    def jumped() -> bool:
        reported = datetime.fromisoformat(daemon.log()[-1]["timestamp"])
        return abs(reported - datetime.now(UTC) - due) < close

    wait_until(jumped, timeout=SECONDS, what=f"a log line {jump} from now")


def test_nothing_is_decided_by_the_time_of_day() -> None:
    package = Path(gateway_components.__file__).parent

    asking = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if any(_asks_the_wall(node) for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    }

    assert asking == SHOWN.keys()


def _asks_the_wall(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and (
        node.attr in WALL
        or (
            isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in {("time", "time"), ("datetime", "now")}
        )
    )
