from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway_components.cli.main import gatewayctl

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
