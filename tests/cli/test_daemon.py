"""Where `gatewayctl daemon` takes its settings from, before it does anything."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.daemon.harness import GATEWAYCTL


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Return a kubeconfig without a cluster, whose context names a namespace that cannot exist."""
    file = tmp_path / "kubeconfig"
    context = {"name": "here", "context": {"cluster": "gone", "namespace": "Bad Name"}}
    file.write_text(yaml.safe_dump({"current-context": "here", "contexts": [context]}))
    return file


GIVEN = (
    ((), 2, "namespace of the kubeconfig's context"),
    (("--install-namespace", "fine"), 4, "it has no entry 'gone' in clusters"),
)
"""Options, exit code and what is told: bad settings, or, with good ones, the kubeconfig without a cluster."""


@pytest.mark.parametrize(("options", "code", "told"), GIVEN, ids=["nothing else is said", "another is given"])
def test_a_home_that_cannot_be_is_told_of_once_and_only_where_it_counts(
    kubeconfig: Path, tmp_path: Path, options: tuple[str, ...], code: int, told: str
) -> None:
    scratch = ("--kubeconfig", str(kubeconfig), "--scratch-folder", str(tmp_path / "scratch"))
    environment = {key: value for key, value in os.environ.items() if key != "POD_NAMESPACE"}

    done = subprocess.run(
        [GATEWAYCTL, "daemon", *scratch, *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr.count(told)) == (code, 1), done.stderr
