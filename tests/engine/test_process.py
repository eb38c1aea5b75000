"""The engine's program: a time limit that ends everything, and only as much garbage collection as pays."""

import threading
from pathlib import Path

import psutil
import pytest
from pulumi.automation import CommandError

from gateway_components.engine.errors import (
    EngineInterruptedError,
    EngineKilledError,
    EngineMissingError,
    EngineTimeoutError,
)
from gateway_components.engine.process import EngineCommand
from gateway_components.engine.workspace import Backend
from lab import wait_until


def program(folder: Path, body: str, version: str = "v3.250.0") -> Path:
    """Return a stand-in for the engine that runs `body` where it is not asked for its version."""
    path = folder / "pulumi"
    path.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then echo {version}; exit; fi\n{body}\n')
    path.chmod(0o755)
    return path


def test_output_errors_and_exit_code_are_handed_over(tmp_path: Path) -> None:
    command = EngineCommand(program(tmp_path, 'echo "$@"; echo "$EXTRA" >&2'), 10)
    lines: list[str] = []

    result = command.run(["up", "--yes"], str(tmp_path), {"EXTRA": "given"}, on_output=lines.append)

    assert (result.stdout, result.stderr, result.code) == ("--non-interactive up --yes", "given", 0)
    assert lines == ["--non-interactive up --yes"]
    failing = EngineCommand(program(tmp_path, "exit 3"), 10)
    assert failing.execute(["up"], str(tmp_path), {}).code == 3
    with pytest.raises(CommandError):
        failing.run(["up"], str(tmp_path), {})


ENDS = [
    ("kill -9 $$", "was killed by signal 9 (out of memory?); give it more memory", "the kernel may have"),
    ("kill -15 $$", "was killed by signal 15", "somebody did"),
]


@pytest.mark.parametrize(("end", "message", "why"), ENDS, ids=[case[0] for case in ENDS])
def test_an_end_by_a_signal_is_reported_without_output(
    tmp_path: Path, end: str, message: str, why: str
) -> None:
    command = EngineCommand(program(tmp_path, f"echo Updating; echo error: lost >&2; {end}"), 10)

    with pytest.raises(EngineKilledError) as raised:
        command.execute(["up"], str(tmp_path), {})

    assert str(raised.value).startswith(f"the Pulumi engine {message}"), why
    assert not {"Updating", "lost", "stdout", "code:"} & set(str(raised.value).split())


WORDS = [
    ("error: no such bucket", "no such bucket", "the engine says why"),
    ("warning: old\nerror: two\n  lines", "two lines", "what goes before is no error"),
    ("error: s3://me:pass@host is away", "s3://host is away", "a password is in it"),
    ("panic: nil\ngoroutine 1 [running]", "no reason given", "nobody can use that"),
]


@pytest.mark.parametrize(("errors", "reason", "why"), WORDS, ids=[case[2] for case in WORDS])
def test_of_a_failed_run_only_its_own_error_is_reported(
    tmp_path: Path, errors: str, reason: str, why: str
) -> None:
    body = f"echo Updating; printf '%b' '{errors}' >&2; exit 255"
    command = EngineCommand(program(tmp_path, body), 10, redact=Backend("file://x", "y").redact)

    failure = command.failure(command.execute(["up"], str(tmp_path), {}))

    assert str(failure) == f"the Pulumi engine exited with code 255: {reason}", why


def test_a_run_past_its_limit_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    # `set -m` puts the child into a process group of its own, as the engine does with its plugins.
    body = f'trap "" INT\nset -m\nsleep 600 &\necho $$ $! > {pids}\nwait; sleep 600'
    command = EngineCommand(program(tmp_path, body), 0.5)
    command.interrupt_seconds = 0.5

    with pytest.raises(EngineTimeoutError, match=r"within 0.5 s"):
        command.run(["up"], str(tmp_path), {})

    for pid in map(int, pids.read_text().split()):
        wait_until(lambda pid=pid: not _alive(pid), timeout=60, what=f"the end of {pid}")  # type: ignore[misc]


def test_an_engine_that_dies_leaves_no_plugin_behind(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = EngineCommand(program(tmp_path, f"set -m\nsleep 600 &\necho $! > {pid}\nkill -9 $$"), 60)

    with pytest.raises(EngineKilledError):
        command.run(["up"], str(tmp_path), {})

    wait_until(lambda: not _alive(int(pid.read_text())), timeout=60, what="the end of the plugin")


def test_who_may_not_act_begins_and_believes_no_run(tmp_path: Path) -> None:
    began, may_act = tmp_path / "began", [False]
    path = program(tmp_path, f"touch {began}")
    command = EngineCommand(path, 60, may_act=lambda: may_act[0])

    with pytest.raises(EngineInterruptedError):
        command.run(["up"], str(tmp_path), {})
    assert not began.exists()

    # Lost while the engine ran.
    command = EngineCommand(path, 60, may_act=lambda: not began.exists())
    with pytest.raises(EngineInterruptedError):
        command.run(["up"], str(tmp_path), {})
    assert began.exists()


def test_stop_interrupts_what_runs(tmp_path: Path) -> None:
    started = tmp_path / "started"
    command = EngineCommand(program(tmp_path, f"touch {started}; exec sleep 600"), 60)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            command.run(["up"], str(tmp_path), {})
        except EngineInterruptedError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(started.exists, timeout=60, what="a running engine")

    command.stop()
    thread.join(10)

    assert len(ended) == 1


def test_a_barred_folder_has_no_runs_and_others_continue(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("barred", "other")}
    command = EngineCommand(program(tmp_path, "touch started; until test -e end; do sleep 0.02; done"), 60)
    outcomes: dict[str, BaseException | None] = {}

    def run(name: str) -> None:
        try:
            command.run(["up"], str(folders[name]), {})
        except (CommandError, EngineInterruptedError) as error:
            outcomes[name] = error
        else:
            outcomes[name] = None

    threads = {name: threading.Thread(target=run, args=[name]) for name in folders}
    for name, folder in folders.items():
        folder.mkdir()
        threads[name].start()
        wait_until((folder / "started").exists, timeout=60, what="a running engine")

    command.bar(str(folders["barred"]))
    threads["barred"].join(10)
    with pytest.raises(EngineInterruptedError):
        command.run(["up"], str(folders["barred"]), {})
    (folders["other"] / "end").touch()
    threads["other"].join(10)

    assert isinstance(outcomes["barred"], EngineInterruptedError)
    assert outcomes["other"] is None
    command.unbar(str(folders["barred"]))
    (folders["barred"] / "end").touch()
    assert command.run(["up"], str(folders["barred"]), {}).code == 0


UNFIT = [
    ("v3.249.0", "3.250.0 or a later 3.x is needed", "an older engine lacks what is used here"),
    ("v4.0.0", "3.250.0 or a later 3.x is needed", "another major version may do anything"),
    ("nonsense", "does not run", "what prints no version is no engine"),
]


@pytest.mark.parametrize(("version", "message", "why"), UNFIT, ids=[case[0] for case in UNFIT])
def test_an_unfit_engine_is_refused(tmp_path: Path, version: str, message: str, why: str) -> None:
    with pytest.raises(EngineMissingError, match=message):
        EngineCommand(program(tmp_path, "", version), 10)
    assert why


def test_a_missing_engine_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineMissingError, match="make setup"):
        EngineCommand(tmp_path / "nothing", 10)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_halting_kills_all_runs_and_starts_none(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    # Neither heeds a request to end, and the child is in a process group of its own, as a plugin is.
    body = f'trap "" INT TERM\nset -m\nsleep 600 &\necho $$ $! > {pids}\nwait; sleep 600'
    command = EngineCommand(program(tmp_path, body), 600)
    raised: list[Exception] = []

    def run() -> None:
        try:
            command.run(["up"], str(tmp_path), {})
        except EngineInterruptedError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: pids.exists() and pids.read_text(), timeout=60, what="a running engine")

    command.halt()

    thread.join(10)
    assert len(raised) == 1
    for pid in map(int, pids.read_text().split()):
        wait_until(lambda pid=pid: not _alive(pid), timeout=60, what=f"the end of {pid}")  # type: ignore[misc]
    pids.unlink()
    with pytest.raises(EngineInterruptedError):
        command.run(["up"], str(tmp_path), {})
    assert not pids.exists()


@pytest.mark.parametrize(
    ("arguments", "expected", "why"),
    [
        (["up"], "off 200MiB", "a slice ends before a collection pays, but for a large one"),
        (["up", "--target", "urn"], "400 ", "another backend's state may need more than any limit"),
    ],
)
def test_the_memory_of_a_run_is_bounded(
    tmp_path: Path, arguments: list[str], expected: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOMEMLIMIT", raising=False)
    command = EngineCommand(program(tmp_path, 'echo "$GOGC $GOMEMLIMIT"'), 10)
    assert command.run(arguments, str(tmp_path), {}).stdout == expected.strip(), why
