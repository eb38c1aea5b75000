"""The demo as a person runs it: on a terminal, and with its output in a file."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from demo.samples import PROJECT
from lab import wait_until
from tests.demo.terminal import Terminal

pytestmark = pytest.mark.lab

COMMAND = [sys.executable, "-m", "demo"]
READY_SECONDS = 150
CHAT_URL = "http://chat.default.svc.cluster.local"
BROKEN_URL = "http://broken.default.svc.cluster.local"
TOOLS_URL = "http://tools.default.svc.cluster.local"
ROUTE_URL = f"{TOOLS_URL}/mcp/team__docs__find"
REPAIRED_ROUTE_URL = f"{TOOLS_URL}/mcp/default__calendar"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return an environment with a temporary folder that the demo must leave empty."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    yield {**os.environ, "TMPDIR": str(folder), "TERM": "xterm-256color"}
    wait_until(lambda: not list(folder.iterdir()), timeout=60, what="temporary folders removed")


@contextmanager
def on_terminal(environment: dict[str, str]) -> Iterator[Terminal]:
    """Run the demo on a terminal until it hints at what to try; check that no process of it stays."""
    terminal = Terminal(COMMAND, PROJECT, environment)
    try:
        wait_for(terminal, "gatewayctl validate")
        started = psutil.Process(terminal.process.pid).children(recursive=True)
        assert any("gatewayctl" in " ".join(process.cmdline()) for process in started)
        yield terminal
        assert_gone(started)
    finally:
        terminal.close()


def wait_for(terminal: Terminal, text: str) -> None:
    def written() -> bool:
        assert terminal.process.poll() is None, terminal.text()
        return text in terminal.text()

    wait_until(written, timeout=READY_SECONDS, what=f"{text!r} on the terminal")


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def hinted_commands(text: str) -> str:
    """Return the commands that the text hints at, as a shell reads them."""
    hints = text.partition("What to try next")[2].partition("GATEWAY   ")[0]
    return "\n".join(line for line in hints.splitlines() if line.startswith("    "))


@pytest.mark.soak
def test_without_a_terminal_it_repairs_shows_and_ends(environment: dict[str, str]) -> None:
    done = subprocess.run(
        COMMAND, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=250
    )
    assert (done.returncode, done.stderr) == (0, "")
    before, _, after = done.stdout.partition("Repairing the patch")
    assert re.search(r"broken +ConfigPatchInvalid: configmap .* line 3", before)
    for name in ("chat", "tuned", "mixed", "tools"):
        assert re.search(rf"\d s +{name} +Ready: ", before)
    assert re.search(r"calendar +UpstreamUnresolved: ToolServer default/calendar does not exist", before)
    assert re.search(rf"team/docs--find +Ready: .*{ROUTE_URL}", before)
    assert re.search(
        r"team--docs/find +DuplicateServerName: ToolRoute team/docs--find has the same key", before
    )
    repaired, _, shown = after.partition("gatewayctl status -A\n")
    assert re.search(rf"broken +Ready: .*{BROKEN_URL}", repaired)
    assert re.search(r"calendar +Ready: ", repaired)
    status, _, graph = shown.partition("gatewayctl graph -A\n")
    assert re.search(rf"^default/tools +ToolGateway +litellm +True .*{TOOLS_URL}$", status, re.MULTILINE)
    assert re.search(r"^team--docs/find +default/tools +False +DuplicateServerName", status, re.MULTILINE)
    assert re.search(r"^default/no-card-numbers .* True .*AiGateway default/mixed$", status, re.MULTILINE)
    assert graph.startswith("flowchart LR\n")
    assert "ToolRoute<br/>team--docs/find<br/>✗ DuplicateServerName" in graph
    assert "\x1b" not in done.stdout
    assert done.stdout.endswith("Everything that was started is stopped and removed.\n")


def test_on_a_terminal_the_hints_work_as_printed(environment: dict[str, str], tmp_path: Path) -> None:
    with on_terminal(environment) as terminal:
        # The table comes in pieces.
        wait_for(terminal, CHAT_URL)
        wait_for(terminal, ROUTE_URL)
        assert BROKEN_URL not in terminal.text()
        assert REPAIRED_ROUTE_URL not in terminal.text()
        drawing = re.search(r"The graph of it all: (\S+)", terminal.text())
        assert drawing
        assert "DuplicateServerName" in Path(drawing[1]).read_text(encoding="utf-8")
        commands = hinted_commands(terminal.text())
        # The last one tells of the broken patch, and so it fails.
        script = f"set -e\n{commands.rstrip()} && exit 1 || exit 0\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**environment, "EDITOR": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert "model: openai/gpt-4" in done.stdout  # what `get configmap` shows
        assert "routing_strategy: least-busy" in done.stdout  # what `render` shows
        assert "examples/demo/broken.yaml:" in done.stdout  # what `validate` shows
        assert "flowchart LR" in done.stdout  # what `graph` shows
        assert re.search(r"toolgateway\S*/tools +litellm +True", done.stdout)  # what `kubectl get` shows
        wait_for(terminal, BROKEN_URL)
        wait_for(terminal, REPAIRED_ROUTE_URL)
        terminal.press_control_c()
        assert terminal.process.wait(60) == 0
    assert "Everything that was started is stopped and removed." in terminal.text()


@pytest.mark.soak
def test_daemon_that_dies_ends_it_with_the_log(environment: dict[str, str]) -> None:
    with on_terminal(environment) as terminal:
        children = psutil.Process(terminal.process.pid).children()
        daemon = next(process for process in children if "gatewayctl" in " ".join(process.cmdline()))
        daemon.kill()
        assert terminal.process.wait(60) == 1
    assert "demo: the daemon ended with code -9. The end of its log:" in terminal.text()


@pytest.mark.soak
def test_sigterm_ends_everything(environment: dict[str, str]) -> None:
    with on_terminal(environment) as terminal:
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(60) == 128 + signal.SIGTERM
