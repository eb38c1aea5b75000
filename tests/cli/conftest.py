import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway_components.cli.main import gatewayctl, main
from lab import ControlPlane
from tests.cli.status_cluster import Command, Done, reported_cluster

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run gatewayctl in a folder of its own, in which the given texts are files."""
    monkeypatch.chdir(tmp_path)

    def run_in_folder(*arguments: str, **files: str) -> Result:
        for name, text in files.items():
            Path(f"{name}.yaml").write_text(text, encoding="utf-8")
        return CliRunner().invoke(gatewayctl, arguments)

    return run_in_folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    """Return a control plane without a daemon, so that statuses stay as they are written here."""
    with reported_cluster() as lab:
        yield lab


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run gatewayctl in this process: a start of its own takes longer than what it does."""

    def run(kubeconfig: Path, *arguments: str) -> Done:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        monkeypatch.setattr(sys, "argv", ["gatewayctl", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return Done(int(str(ended.value.code)), written.out, written.err)

    return run
